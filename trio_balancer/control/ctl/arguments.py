"""What all commands have in common on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import attrs

from trio_balancer.config.values import duration
from trio_balancer.control.ctl.socket_path import VARIABLE

if TYPE_CHECKING:
    from trio_balancer.control.ctl.session import Session

T = TypeVar("T")
Run = Callable[["Session"], int]

_PATIENCE = 30.0


def argument(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Let argparse show the sentence of a parser's ValueError, and not only that it failed."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parsed


seconds = argument(duration())
"""A duration like "60s" above zero, in seconds."""


@argument
def a_path(text: str) -> str:
    """Take a path; an empty one is a shell variable that was not set."""
    if not text:
        raise ValueError("expected a path, got nothing")
    return text


def a_file(text: str) -> Path:
    """Take the path of a file."""
    return Path(a_path(text))


@attrs.frozen
class Target:
    """A pool, or one backend of it; people write "app" and "app/s1", as the log does."""

    pool: str
    backend: str | None = None

    def __str__(self) -> str:
        return self.pool if self.backend is None else f"{self.pool}/{self.backend}"


@argument
def pool_or_backend(text: str) -> Target:
    """Parse POOL or POOL/BACKEND; a pool's name has no slash, a backend's may have."""
    pool, slash, backend = text.partition("/")
    if not pool or (slash and not backend):
        raise ValueError(f"expected POOL or POOL/BACKEND, like app/s1, got {text!r}")
    return Target(pool, backend or None)


@argument
def one_backend(text: str) -> Target:
    """Parse POOL/BACKEND."""
    pool, _, backend = text.partition("/")
    if not pool or not backend:
        raise ValueError(f"expected POOL/BACKEND, like app/s1, got {text!r}")
    return Target(pool, backend)


def set_defaults(parser: argparse.ArgumentParser) -> None:
    """Set what holds where an option stands neither before the command nor behind it."""
    parser.set_defaults(socket=None, config=None, timeout=_PATIENCE)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what may stand before the command and behind it."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--socket",
        metavar="PATH",
        type=a_path,
        # Absent behind the command, it must not hide what stood before it.
        default=argparse.SUPPRESS,
        help=f"the balancer's runtime socket; default: the variable {VARIABLE}",
    )
    where.add_argument(
        "--config",
        metavar="FILE",
        type=a_file,
        default=argparse.SUPPRESS,
        help="the balancer's configuration, which names the socket",
    )
    parser.add_argument(
        "--timeout",
        metavar="TIME",
        type=seconds,
        default=argparse.SUPPRESS,
        help=f"how long to wait for an answer, like 5s; default {_PATIENCE:g}s",
    )


@attrs.frozen
class Commands:
    """The commands of the program; each module that has some adds them.

    The type of `subparsers` is private to argparse, and has no other name.
    """

    program: argparse.ArgumentParser
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser]

    def add(self, name: str, help: str, run: Run) -> argparse.ArgumentParser:  # noqa: A002  # argparse's own word
        """Add a command, and return its parser for arguments of its own."""
        sentence = f"{help[0].upper()}{help[1:]}."
        parser = self.subparsers.add_parser(
            name, help=help, description=sentence, allow_abbrev=False
        )
        add_options(parser)
        parser.set_defaults(run=run)
        return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json` to a command that has a result."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
