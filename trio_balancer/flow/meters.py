"""Meters: rates, means, peaks and percentiles, at the price of a few additions per connection.

Nothing here has a task of its own: a second that is over is noticed by the next event, or by
whoever reads.
"""

from __future__ import annotations

import attrs

#: Means forget: each connection counts as one of about so many, as in HAProxy.
WINDOW = 1024


@attrs.define(eq=False)
class EventRate:
    """Events: how many since the start, in the last second, and at most in one second.

    `now` is monotonic seconds. Source of the method: HAProxy's `freq_ctr`, which takes of the
    second before what is not yet replaced by this one.
    """

    total: int = 0
    _second: int = -1
    _total_before: int = 0
    _last_count: int = 0
    _highest: int = 0

    def count(self, now: float) -> None:
        """Count one event."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        self.total += 1

    def at(self, now: float) -> int:
        """Return how many there were in the last second."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        return self._in_this_second() + round(self._last_count * (1 - now % 1))

    @property
    def highest(self) -> int:
        """The most in one second of the clock."""
        return max(self._highest, self._in_this_second())

    def forget_highest(self) -> None:
        """Begin to look for the highest anew."""
        self._highest = 0
        self._total_before = self.total

    def _in_this_second(self) -> int:
        return self.total - self._total_before

    def _turn(self, second: int) -> None:
        """Begin another second; the one before counts only if no whole one lies between."""
        count = self._in_this_second()
        self._highest = max(self._highest, count)
        self._last_count = count if second == self._second + 1 else 0
        self._total_before = self.total
        self._second = second


@attrs.define(eq=False)
class RecentMean:
    """The mean of about the last WINDOW values, and the highest ever; values are seconds."""

    mean: float = 0.0
    highest: float = 0.0
    _count: int = 0

    def add(self, value: float) -> None:
        """Take in a value."""
        if self._count < WINDOW:
            self._count += 1
        self.mean += (value - self.mean) / self._count
        self.highest = max(self.highest, value)

    def absorb(self, other: RecentMean) -> None:
        """Take in what another one has seen."""
        count = self._count + other._count
        if count:
            self.mean = (self.mean * self._count + other.mean * other._count) / count
        self._count = min(count, WINDOW)
        self.highest = max(self.highest, other.highest)


@attrs.frozen
class MeanTime:
    """A snapshot of a mean; seconds."""

    mean: float
    highest: float


@attrs.define(eq=False)
class Availability:
    """Whether something can be used, since when, and how often and how long it could not.

    Times are monotonic seconds; None stands for the start.
    """

    up: bool = True
    changed_at: float | None = None
    times_down: int = 0
    _downtime: float = 0.0

    def note(self, now: float, *, up: bool) -> None:
        """Take in what holds from now on, which may be what held before."""
        if up is self.up:
            return
        self._downtime = self.downtime(now)
        self.times_down += not up
        self.up, self.changed_at = up, now

    def downtime(self, now: float) -> float:
        """Return how many seconds it could not be used."""
        since = now if self.up or self.changed_at is None else self.changed_at
        return self._downtime + now - since


def percentile(ordered: list[float], percent: int) -> float | None:
    """Return the smallest value that so many percent do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]
