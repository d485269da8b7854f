"""While refused clients come as fast as one processor can make them, others are still served.

Each round measures alone, then beside the flood: what else the machine does is in both. Whoever
makes the flood only gets what is left over, or it would delay those who measure.

A client that waits until it is refused delays others by no more than its own refusal. One that
does not wait fills the kernel's queue, in which all clients stand in one line: whoever comes then
waits for those before it, and how long that may take is another promise.
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
from support.process import Process, balancer, config_text, environment
from support.scale import LONG, scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

SCRIPTS = Path(__file__).parents[1] / "support" / "fairness"
GOOD, BAD = "127.0.0.1", "127.0.0.2"
ROUNDS = scaled(50)
SECONDS = 1 if LONG else 0.4
# The short run has few and short rounds, so what it forgives is more.
MARGIN = 1 if LONG else 2
MILLISECOND = 0.001
CONFIG = f'[listeners.web.access]\ndeny = ["{BAD}"]\n'


def _take_what_is_left_over() -> None:
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextmanager
def _running(
    script: str, *arguments: object, before: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(SCRIPTS / script), *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=before,  # noqa: PLW1509 - nothing here has threads
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def _line_of(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    line = started.stdout.readline()
    assert line, f"{started.args!r} has ended"
    return line


def _dials(port: int) -> list[float]:
    """Connect again and again, for an answer each; return what each took, in seconds."""
    with _running("peers.py", "dial", port, SECONDS) as client:
        took: list[float] = json.loads(_line_of(client))
    return took


@attrs.define(eq=False)
class Figures:
    """The p99 of each round, in seconds, and how many were refused in all of them."""

    alone: list[float] = attrs.field(factory=list)
    beside: list[float] = attrs.field(factory=list)
    refused: int = 0


def _measure(process: Process, manner: str) -> Figures:
    figures = Figures()
    served = 0
    for _ in range(ROUNDS):
        alone = _dials(process.port)
        with _running("flood.py", process.port, BAD, manner, before=_take_what_is_left_over):
            beside = _dials(process.port)
        figures.alone.append(_p99(alone))
        figures.beside.append(_p99(beside))
        served += len(alone) + len(beside)
    assert process.stop() == 0
    [stopped] = [line for line in process.log() if line.get("message") == "Stopped"]
    figures.refused = int(str(stopped["accepted"])) - served
    return figures


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _undisturbed(rounds: Sequence[float]) -> float:
    """Return the lower quartile: what else the machine does makes a round worse, never better."""
    return statistics.quantiles(rounds, n=4)[0]


def _figures(directory: Path, manner: str) -> Figures:
    with _running("peers.py", "echo") as echo:
        text = config_text(int(_line_of(echo)), listener=CONFIG, log='format = "json"')
        with balancer(directory, text) as process:
            return _measure(process, manner)


def test_clients_that_wait_for_their_refusal_delay_nobody_else(tmp_path: Path) -> None:
    figures = _figures(tmp_path, "wait")
    alone, beside = _undisturbed(figures.alone), _undisturbed(figures.beside)
    assert figures.refused > 100 * ROUNDS
    assert beside <= MARGIN * 2 * max(alone, MILLISECOND), figures


def test_clients_that_do_not_even_wait_keep_nobody_from_being_served(tmp_path: Path) -> None:
    figures = _figures(tmp_path, "leave")
    assert figures.refused > 100 * ROUNDS
    assert _undisturbed(figures.beside) <= MARGIN * 100 * MILLISECOND, figures
