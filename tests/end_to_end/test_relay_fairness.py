"""While one connection moves bulk at full speed, nobody else waits long.

The peers are processes of their own, and so is the balancer, which measures its own timers and
health checks. Each round measures alone, then beside bulk: what else the machine does is in both.
The peers of the bulk would keep two cores busy by themselves, so they only get what is left over.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from support.process import environment
from support.scale import LONG, scaled

from trio_balancer.network.poller import HAVE_EPOLL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not HAVE_EPOLL, reason="what the portable relay does here is trio's choice"),
]

SCRIPTS = Path(__file__).parents[1] / "support" / "fairness"
ROUNDS = scaled(30)
SECONDS = 1 if LONG else 0.4
# The short run has few and short rounds, so what it forgives is more.
MARGIN = 1 if LONG else 3
MILLISECOND = 0.001


@contextmanager
def process(
    script: str, *arguments: object, before: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=before,  # noqa: PLW1509 - nothing here has threads
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def take_what_is_left_over() -> None:
    """Run only where nobody else wants to: whoever makes the bulk must not delay who measures."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


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
    alone: Figures = attrs.field(factory=Figures)
    beside: Figures = attrs.field(factory=Figures)

    def play(self) -> None:
        """Measure in turns."""
        for _ in range(ROUNDS):
            self._measure(self.alone)
            with process("peers.py", "bulk", self.ports["bulk"], before=take_what_is_left_over):
                self._measure(self.beside)

    def _measure(self, figures: Figures) -> None:
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
    with (
        process("peers.py", "echo") as echo,
        process("peers.py", "sink", before=take_what_is_left_over) as sink,
        process("balancer.py", line_of(echo).strip(), line_of(sink).strip()) as balancer,
    ):
        made = Scene(balancer, json.loads(line_of(balancer)))
        made.play()
        yield made


def test_small_requests_take_at_most_three_times_as_long(scene: Scene) -> None:
    alone, beside = map(statistics.median, (scene.alone.requests, scene.beside.requests))
    assert beside <= MARGIN * 3 * max(alone, MILLISECOND), (alone, beside)


def test_setting_up_a_connection_takes_at_most_ten_milliseconds(scene: Scene) -> None:
    alone, beside = map(statistics.median, (scene.alone.dials, scene.beside.dials))
    assert beside <= MARGIN * max(10 * MILLISECOND, 3 * alone), (alone, beside)


def test_health_check_takes_at_most_ten_milliseconds(scene: Scene) -> None:
    alone, beside = map(statistics.median, (scene.alone.checks, scene.beside.checks))
    assert beside <= MARGIN * max(10 * MILLISECOND, 3 * alone), (alone, beside)


def test_timers_are_at_most_two_milliseconds_late(scene: Scene) -> None:
    alone, beside = map(statistics.median, (scene.alone.timers, scene.beside.timers))
    assert beside <= MARGIN * max(2 * MILLISECOND, 3 * alone), (alone, beside)


def test_work_between_two_looks_at_the_timers_takes_at_most_a_millisecond(scene: Scene) -> None:
    """In processor time, so that no other process counts; trio rounds up to a millisecond more."""
    assert statistics.median(scene.beside.passes) <= MILLISECOND
