"""What the balancer must show, in medians of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from benchmarks import works
from benchmarks.peers import OURS, PEERS, REFERENCE
from benchmarks.table import number

if TYPE_CHECKING:
    from benchmarks.samples import Samples

PASS, FAIL, UNKNOWN = "PASS", "FAIL", "not measured"

_STREAMS = ("uvloop", "asyncio")


@attrs.frozen
class Bar:
    """A limit of a figure.

    `limit` is a ratio to the peer `to`, or a value where there is none; `least`: it is a floor.
    `aim` is what is hoped for beyond.
    """

    work: str
    figure: str
    limit: float
    to: str | None = REFERENCE
    least: bool = False
    aim: float | None = None

    def measured(self, samples: Samples) -> float | None:
        """Return the ratio or the value, if there is one."""
        found = (
            samples.value(self.work, self.figure, OURS)
            if self.to is None
            else samples.ratio(self.work, self.figure, OURS, self.to)
        )
        return None if found is None else found.median

    def verdict(self, samples: Samples) -> str:
        """Return PASS, FAIL or UNKNOWN."""
        measured = self.measured(samples)
        if measured is None:
            return UNKNOWN
        good = measured >= self.limit if self.least else measured <= self.limit
        return PASS if good else FAIL

    def demand(self) -> str:
        """Write what is asked for."""
        sign = "≥" if self.least else "≤"
        unit = "" if self.to is None else f" × {PEERS[self.to].title}"
        aim = "" if self.aim is None else f", aim at {self.aim:g}"
        return f"{sign} {self.limit:g}{unit}{aim}"


def _below_streams(work: str, figure: str) -> list[Bar]:
    return [Bar(work, figure, 1, to=peer) for peer in _STREAMS]


BARS = (
    Bar("keep-alive-64", works.CPU_PER_REQUEST, 1.2),
    *_below_streams("keep-alive-64", works.CPU_PER_REQUEST),
    Bar("keep-alive-64", works.RATE_OF_REQUESTS, 0.95, least=True),
    Bar("new-connections", works.CPU_PER_CONNECTION, 2.2, aim=1.8),
    *_below_streams("new-connections", works.CPU_PER_CONNECTION),
    Bar("bulk-1", works.THROUGHPUT, 1.3, least=True),
    Bar("bulk-1", works.CPU_PER_GIGABYTE, 0.35),
    Bar("keep-alive-1000", works.P99, 1.5),
    Bar("idle", works.MEMORY, 11, to=None, aim=8),
)


def rows(samples: Samples) -> list[list[str]]:
    """Return the lines of a table with a verdict for each bar."""
    lines = [["work", "figure", "must show", "shows", ""]]
    for bar in BARS:
        measured = bar.measured(samples)
        shows = "–" if measured is None else number(measured)
        lines.append([bar.work, bar.figure, bar.demand(), shows, bar.verdict(samples)])
    return lines
