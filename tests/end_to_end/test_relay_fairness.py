"""While one connection moves bulk at full speed, nobody else waits long.

The peers are processes of their own, and so is the balancer, which measures its own timers and
health checks. Machines of two cores are busy with the bulk's peers alone, whoever moves the bulk.
So "alone" is measured beside a bulk of the same kind that goes *past* the balancer, in turns with
one that goes through it, and what a scheduler of the kernel does to both is in both figures.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from support.process import environment
from support.scale import scaled

from trio_balancer.network.poller import HAVE_EPOLL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not HAVE_EPOLL, reason="what the portable relay does here is trio's choice"),
]

SCRIPTS = Path(__file__).parents[1] / "support" / "fairness"
ROUNDS = scaled(30)
SECONDS = 1
# Whoever makes the bulk gives way to whoever measures: a scheduler that does not is not ours.
NICE = 19
MILLISECOND = 0.001


@contextmanager
def process(script: str, *arguments: object, nice: int = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=partial(os.nice, nice),  # noqa: PLW1509 - nothing here has threads
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    line = started.stdout.readline()
    assert line, f"{started.args!r} has ended"
    return line


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


@attrs.define(eq=False)
class Figures:
    """The p99 of each round, in seconds."""

    requests: list[float] = attrs.field(factory=list)
    dials: list[float] = attrs.field(factory=list)
    timers: list[float] = attrs.field(factory=list)
    checks: list[float] = attrs.field(factory=list)
    passes: list[float] = attrs.field(factory=list)


@attrs.define(eq=False)
class Scene:
    """A balancer with a backend for requests and one for bulk."""

    balancer: subprocess.Popen[str]
    ports: dict[str, int]
    sink: int
    past: Figures = attrs.field(factory=Figures)
    through: Figures = attrs.field(factory=Figures)

    def play(self) -> None:
        """Measure in turns."""
        for _ in range(ROUNDS):
            self._measure(self.sink, self.past)
            self._measure(self.ports["bulk"], self.through)

    def _measure(self, bulk_port: int, figures: Figures) -> None:
        with process("peers.py", "bulk", bulk_port, nice=NICE):
            self._report()
            figures.requests.append(p99(self._peer("ask")))
            figures.dials.append(p99(self._peer("dial")))
            report = self._report()
        figures.timers.append(p99(report["timers"]))
        figures.checks.append(p99(report["checks"]))
        figures.passes.append(p99(report["passes"]))

    def _peer(self, role: str) -> list[float]:
        with process("peers.py", role, self.ports["web"], SECONDS) as peer:
            took: list[float] = json.loads(line_of(peer))
        return took

    def _report(self) -> dict[str, list[float]]:
        """Hear what the balancer has measured since the last time."""
        assert self.balancer.stdin is not None
        self.balancer.stdin.write("report\n")
        self.balancer.stdin.flush()
        report: dict[str, list[float]] = json.loads(line_of(self.balancer))
        return report


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with process("peers.py", "echo") as echo, process("peers.py", "sink", nice=NICE) as sink:
        ports = int(line_of(echo)), int(line_of(sink))
        with process("balancer.py", *ports) as balancer:
            made = Scene(balancer, json.loads(line_of(balancer)), ports[1])
            made.play()
            yield made


def test_small_requests_take_at_most_three_times_as_long(scene: Scene) -> None:
    past, through = map(statistics.median, (scene.past.requests, scene.through.requests))
    assert through <= 3 * max(past, MILLISECOND), (past, through)


def test_setting_up_a_connection_takes_at_most_ten_milliseconds(scene: Scene) -> None:
    past, through = map(statistics.median, (scene.past.dials, scene.through.dials))
    assert through <= max(10 * MILLISECOND, 3 * past), (past, through)


def test_health_check_takes_at_most_ten_milliseconds(scene: Scene) -> None:
    past, through = map(statistics.median, (scene.past.checks, scene.through.checks))
    assert through <= max(10 * MILLISECOND, 3 * past), (past, through)


def test_timers_are_at_most_two_milliseconds_late(scene: Scene) -> None:
    past, through = map(statistics.median, (scene.past.timers, scene.through.timers))
    assert through <= max(2 * MILLISECOND, 3 * past), (past, through)


def test_work_between_two_looks_at_the_timers_takes_at_most_a_millisecond(scene: Scene) -> None:
    """In processor time, so that no other process counts; trio rounds up to a millisecond more."""
    past, through = map(statistics.median, (scene.past.passes, scene.through.passes))
    assert through <= MILLISECOND, (past, through)
