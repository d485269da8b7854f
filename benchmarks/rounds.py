"""The rounds: every work through every peer in turn, the peers started anew for each round."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from benchmarks.backends import backends, pick_ports
from benchmarks.peers import Missing, Peer
from benchmarks.processes import BenchmarkError, find_program, running
from benchmarks.samples import Samples
from benchmarks.works import Target, Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.backends import Ports


def run_rounds(
    works: Sequence[Work],
    peers: Sequence[Peer],
    *,
    rounds: int,
    seconds: int,
    directory: Path,
) -> tuple[Samples, dict[str, str]]:
    """Measure; return the samples, and the versions of the peers that took part by name.

    Raises BenchmarkError when there is no peer, or one or a backend does not start.
    """
    samples = Samples()
    versions = _versions(peers, samples.remarks)
    present = [peer for peer in peers if peer.name in versions]
    possible = _possible(works, samples.remarks)
    with backends(directory) as backend:
        for round_ in range(rounds):
            # Who comes first in one round comes last in the next.
            turn = round_ % len(present)
            order = [*present[turn:], *present[:turn]]
            with _started(order, backend, directory) as targets:
                for work in possible:
                    _say(f"round {round_ + 1} of {rounds}: {work.title}")
                    figures = _through_all(work, targets, seconds, samples.remarks)
                    for name, values in figures.items():
                        samples.add(round_, work.name, name, values)
    _say("")
    return samples, versions


def _versions(peers: Sequence[Peer], remarks: list[str]) -> dict[str, str]:
    """Leave out the peers that are not installed, with a word."""
    versions = {}
    for peer in peers:
        found = "" if peer.version is None else peer.version()
        if isinstance(found, Missing):
            remarks.append(f"{peer.title} is left out: {found.reason}.")
        else:
            versions[peer.name] = found
    if not versions:
        raise BenchmarkError("none of the peers is installed")
    return versions


def _possible(works: Sequence[Work], remarks: list[str]) -> list[Work]:
    """Leave out the works whose programs are not installed, with a word."""
    possible = []
    for work in works:
        lacking = [name for name in work.needs if find_program(name) is None]
        if lacking:
            remarks.append(f"{work.name} is left out: {' and '.join(lacking)} not installed.")
        else:
            possible.append(work)
    return possible


@contextmanager
def _started(
    peers: Sequence[Peer], backend: Ports, directory: Path
) -> Iterator[list[tuple[Peer, Target]]]:
    with ExitStack() as stack:
        targets = []
        for peer in peers:
            if peer.version is None:
                targets.append((peer, Target(backend, None)))
                continue
            ports = pick_ports()
            command = peer.command(directory, ports, backend)
            log = directory / f"{peer.name}.log"
            process = stack.enter_context(running(command, port=ports.web, log=log))
            targets.append((peer, Target(ports, process)))
        yield targets


def _through_all(
    work: Work, targets: Sequence[tuple[Peer, Target]], seconds: int, remarks: list[str]
) -> dict[str, Mapping[str, float]]:
    """Do one work through each peer in turn; return the figures by the peer's name."""
    figures = {}
    for peer, target in targets:
        try:
            figures[peer.name] = work.measure(target, seconds)
        except BenchmarkError as error:
            remarks.append(f"{work.name} through {peer.title} failed once: {error}")
    return figures


def _say(text: str) -> None:
    """Tell what is going on, on one line that is written over and over."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
