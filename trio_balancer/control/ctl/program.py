"""The entry point: arguments, exit status, and what becomes of errors.

Exit status: 0 done · 1 the balancer could not be asked, or refused · 2 the command line is wrong.
Interrupted by Ctrl-C it is 130, and 141 when nobody reads the output any more, as the shell has it
for programs that die of SIGINT and SIGPIPE.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from io import TextIOWrapper
from typing import TextIO

from trio_balancer.control.ctl import (
    backends,
    completion,
    connections,
    explain,
    faults,
    process,
    raw,
    status,
    tail,
    top,
)
from trio_balancer.control.ctl.arguments import Commands, add_options, set_defaults
from trio_balancer.control.ctl.errors import ControlError, UsageError
from trio_balancer.control.ctl.session import Session
from trio_balancer.control.ctl.text import harmless
from trio_balancer.version import __version__

NAME = "trio-balancerctl"
FAILED = 1
INTERRUPTED = 130
NOBODY_READS = 141

# In the order of the help.
_MODULES = (status, top, tail, explain, backends, connections, faults, process, raw, completion)


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    _write_any_letter(sys.stdout, sys.stderr)
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _stop_writing()
        return _fail(f"the output cannot be written: {error.strerror or error}")


def _run(argv: list[str] | None) -> int:
    parser = build_parser()
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == [completion.ASK]:
        return completion.complete(parser, words[1:])
    arguments = parser.parse_args(words)
    try:
        status: int = arguments.run(Session(arguments))
    except UsageError as error:
        parser.error(str(error))
    except ControlError as error:
        return _fail_in_json(error) if "json" in arguments and arguments.json else _fail(str(error))
    return status


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog=NAME,
        description="Look at a running trio-balancer, and tell it what to do.",
        epilog=f"{NAME} COMMAND --help tells more about a command.",
        allow_abbrev=False,
    )
    version = f"{NAME} {__version__}"
    parser.add_argument("--version", action="version", version=version)
    set_defaults(parser)
    add_options(parser)
    commands = Commands(parser, parser.add_subparsers(metavar="COMMAND", required=True))
    for module in _MODULES:
        module.add_to(commands)
    return parser


def _fail(message: str) -> int:
    # A configuration may have several problems, one a line.
    lines = map(harmless, message.split("\n"))
    print(f"{NAME}: " + "\n".join(lines), file=sys.stderr)  # noqa: T201  # errors are for people
    return FAILED


def _fail_in_json(error: ControlError) -> int:
    """Say it as the balancer does to programs; `code` is null where it did not get so far."""
    told = {"error": {"code": error.code, "message": str(error)}}
    print(json.dumps(told), file=sys.stderr)  # noqa: T201  # errors have a stream of their own
    return FAILED


def _write_any_letter(*streams: TextIO) -> None:
    """Let a terminal that knows few letters show the others as escapes."""
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _stop_writing() -> None:
    """Throw away what is still buffered, so that nobody complains of it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
