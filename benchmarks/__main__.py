"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import describe_machine
from benchmarks.peers import PEERS
from benchmarks.plot import plot
from benchmarks.processes import BenchmarkError
from benchmarks.report import Run, as_text, write_results
from benchmarks.rounds import run_rounds
from benchmarks.works import WORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

HERE = Path(__file__).parent


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked to; returns the exit status."""
    arguments = _parser().parse_args(argv)
    # SIGTERM ends the processes that we started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    _raise_open_files()
    try:
        run = _measure(arguments)
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    print(as_text(run))
    if arguments.write:
        write_results(HERE / "RESULTS.md", run)
        (HERE / "results.svg").write_text(plot(run.samples, run.peers), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=_positive, default=5, help="how often each work is repeated (5)")
    add("--seconds", type=_positive, default=3, help="how long each work lasts, at least (3)")
    add("--quick", action="store_true", help="one round of one second: does it work at all?")
    add("--only", metavar="WORK,…", type=_names_of(WORKS), help=", ".join(WORKS))
    add("--peers", metavar="PEER,…", type=_names_of(PEERS), help=", ".join(PEERS))
    add("--write", action="store_true", help="write benchmarks/RESULTS.md and results.svg")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return number


def _names_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Make a type of argument: names of these, with commas between them."""

    def names_of(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return [name for name in known if name in names]

    return names_of


def _raise_open_files() -> None:
    """Thousands of idle connections need as many descriptors."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _measure(arguments: argparse.Namespace) -> Run:
    if not sys.platform.startswith("linux"):
        raise BenchmarkError("the benchmark reads /proc, so it needs Linux")
    machine = describe_machine()
    rounds, seconds = (1, 1) if arguments.quick else (arguments.rounds, arguments.seconds)
    with tempfile.TemporaryDirectory(prefix="trio-balancer-benchmark-") as directory:
        samples, peers = run_rounds(
            [WORKS[name] for name in arguments.only or WORKS],
            [PEERS[name] for name in arguments.peers or PEERS],
            rounds=rounds,
            seconds=seconds,
            directory=Path(directory),
        )
    return Run(samples, peers, machine, rounds, seconds)


if __name__ == "__main__":
    sys.exit(main())
