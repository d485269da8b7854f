"""The figures of all rounds: median, spread, and ratio to a reference."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@attrs.frozen
class Summary:
    """One figure over `count` rounds."""

    count: int
    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Return half the distance between the extremes, as a share of the median."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def summary(values: Sequence[float]) -> Summary:
    """Summarise at least one value."""
    return Summary(len(values), statistics.median(values), min(values), max(values))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


class Samples:
    """One value for each round, work, figure and peer; where a measurement failed, none."""

    def __init__(self) -> None:
        #: Sentences about what was left out, or failed.
        self.remarks: list[str] = []
        self._values: dict[tuple[str, str, str], dict[int, float]] = {}

    def add(self, round_: int, work: str, peer: str, figures: Mapping[str, float]) -> None:
        """Keep what a work gave; NaN says that this peer has no such figure."""
        for figure, value in figures.items():
            if not math.isnan(value):
                self._values.setdefault((work, figure, peer), {})[round_] = value

    def value(self, work: str, figure: str, peer: str) -> Summary | None:
        """Summarise a figure, unless it was never measured."""
        rounds = self._values.get((work, figure, peer))
        return summary(list(rounds.values())) if rounds else None

    def ratio(self, work: str, figure: str, peer: str, to: str) -> Summary | None:
        """Summarise the ratios to another peer, each within one round.

        So a machine that is busier in one round than in the next does not change them much.
        """
        own = self._values.get((work, figure, peer), {})
        other = self._values.get((work, figure, to), {})
        ratios = [own[round_] / other[round_] for round_ in own if other.get(round_)]
        return summary(ratios) if ratios else None
