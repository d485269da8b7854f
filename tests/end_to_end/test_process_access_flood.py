"""While refused clients come as fast as one processor can make them, others are served as before.

Each round measures alone, then beside the flood: what else the machine does is in both. Whoever
makes the flood only gets what is left over, or it would delay those who measure.
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
ROUNDS = scaled(60)
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
    """The p99 of each round, in seconds, and how many were refused."""

    alone: list[float] = attrs.field(factory=list)
    beside: list[float] = attrs.field(factory=list)
    refused: int = 0


def _measure(process: Process) -> Figures:
    figures = Figures()
    served = 0
    for _ in range(ROUNDS):
        alone = _dials(process.port)
        with _running("flood.py", process.port, BAD, before=_take_what_is_left_over):
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


def test_a_flood_of_refused_clients_delays_nobody_else(tmp_path: Path) -> None:
    log = 'format = "json"\nlevel = "info"'
    with _running("peers.py", "echo") as echo:
        backend = int(_line_of(echo))
        with balancer(tmp_path, config_text(backend, listener=CONFIG, log=log)) as process:
            figures = _measure(process)
    alone, beside = map(statistics.median, (figures.alone, figures.beside))
    print(ROUNDS, SECONDS, alone, beside, figures)
    assert figures.refused > 100 * ROUNDS
    assert beside <= MARGIN * 2 * max(alone, MILLISECOND), figures
