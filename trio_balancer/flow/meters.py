"""Meters: rates, means, peaks and percentiles, at the price of a few additions per connection.

Nothing here has a task of its own: a second that is over is noticed by the next event, or by
whoever reads.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

import attrs

from trio_balancer.flow.record import Who

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from trio_balancer.flow.record import Record
    from trio_balancer.policy import Backend, Pool

#: Means forget: each connection counts as one of about so many, as in HAProxy.
WINDOW = 1024
#: The latest dials that percentiles are of: sorting them is all that a snapshot costs.
DIALS = 256


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
        if value > self.highest:
            self.highest = value


@attrs.frozen
class MeanTime:
    """A snapshot of a mean; seconds."""

    mean: float
    highest: float


@attrs.frozen
class ServiceStatistics:
    """What a pool or a backend did for its connections, up to now.

    `chosen` counts connections that came to the pool, or attempts at the backend; `rate` is that
    of the last second. `peak` is the most connections at once.
    `connect_p50` and `connect_p99` are of the last DIALS dials, None before the first. Times are
    seconds, `idle_for` since the last choice (None: never). `endings`, `retries` and bytes are
    those of finished connections; `redispatches` counts those that went to another backend.
    """

    peak: int
    chosen: int
    rate: int
    rate_max: int
    idle_for: float | None
    bytes_up: int
    bytes_down: int
    endings: dict[str, int]
    retries: int
    redispatches: int
    connect_p50: float | None
    connect_p99: float | None
    queue_time: MeanTime
    connect_time: MeanTime
    total_time: MeanTime


@attrs.define(eq=False)
class ServiceMeter:
    """The meter of one pool or one backend."""

    rate: EventRate = attrs.Factory(EventRate)
    chosen_at: float | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    endings: Counter[str] = attrs.Factory(Counter)
    retries: int = 0
    redispatches: int = 0
    dials: deque[float] = attrs.Factory(lambda: deque(maxlen=DIALS))
    queue_time: RecentMean = attrs.Factory(RecentMean)
    connect_time: RecentMean = attrs.Factory(RecentMean)
    total_time: RecentMean = attrs.Factory(RecentMean)
    #: The most connections at once, as far as one of them has ended.
    peak: int = 0

    def chosen(self, now: float) -> None:
        """Count a connection that comes."""
        self.rate.count(now)
        self.chosen_at = now

    def finished(self, record: Record, letters: str, active: int) -> None:
        """Add a finished connection; `letters` are those of its ending.

        `active` connections were there, this one included: the most there ever were is there
        just before one ends, or now.
        """
        if active > self.peak:
            self.peak = active
        self.bytes_up += record.bytes_up
        self.bytes_down += record.bytes_down
        self.endings[letters] += 1
        if record.attempts > 1:
            self.retries += record.attempts - 1
            self.redispatches += record.redispatched
        if record.queue_time is not None:
            self.queue_time.add(record.queue_time)
        if record.connect_time is not None:
            self.connect_time.add(record.connect_time)
            self.dials.append(record.connect_time)
        self.total_time.add(record.total_time)

    def clear_peaks(self) -> None:
        """Forget what was the most."""
        self.rate.forget_highest()
        self.peak = 0
        for mean in (self.queue_time, self.connect_time, self.total_time):
            mean.highest = 0.0

    def statistics(self, now: float, active: int) -> ServiceStatistics:
        """Take a snapshot; `now` is monotonic seconds, `active` the connections that are there."""
        dials = sorted(self.dials)
        return ServiceStatistics(
            peak=max(self.peak, active),
            chosen=self.rate.total,
            rate=self.rate.at(now),
            rate_max=self.rate.highest,
            idle_for=None if self.chosen_at is None else now - self.chosen_at,
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
            endings=dict(self.endings),
            retries=self.retries,
            redispatches=self.redispatches,
            connect_p50=_percentile(dials, 50),
            connect_p99=_percentile(dials, 99),
            queue_time=MeanTime(self.queue_time.mean, self.queue_time.highest),
            connect_time=MeanTime(self.connect_time.mean, self.connect_time.highest),
            total_time=MeanTime(self.total_time.mean, self.total_time.highest),
        )


@attrs.define(eq=False)
class PoolMeter:
    """A pool's meter and those of its backends, which outlive a change of their settings."""

    whole: ServiceMeter = attrs.Factory(ServiceMeter)
    backends: dict[Backend, ServiceMeter] = attrs.Factory(dict)

    def of(self, backend: Backend) -> ServiceMeter:
        """Return a backend's meter."""
        meter = self.backends.get(backend)
        if meter is None:
            meter = self.backends[backend] = ServiceMeter()
        return meter


@attrs.define(eq=False)
class Meters:
    """The meters of all pools, by name."""

    pools: dict[str, PoolMeter] = attrs.Factory(dict)

    def of(self, pool: str) -> PoolMeter:
        """Return a pool's meters."""
        meter = self.pools.get(pool)
        if meter is None:
            meter = self.pools[pool] = PoolMeter()
        return meter

    def joined(self, pool: Pool, now: float) -> None:
        """Count a connection that comes to a pool."""
        self.of(pool.name).whole.chosen(now)

    def chosen(self, pool: Pool, backend: Backend, now: float) -> None:
        """Count an attempt to reach a backend."""
        self.of(pool.name).of(backend).chosen(now)

    def finished(self, pool: Pool, backend: Backend | None, record: Record, letters: str) -> None:
        """Add a finished connection; `backend` is the last one tried."""
        meter = self.of(pool.name)
        meter.whole.finished(record, letters, record.counts.pool)
        if backend is not None:
            meter.of(backend).finished(record, letters, record.counts.backend)

    def forget_others(self, pools: Collection[Pool]) -> None:
        """Drop the meters of backends and pools that are gone, with their last connection."""
        kept = {pool.name: pool for pool in pools}
        for name in [name for name in self.pools if name not in kept]:
            del self.pools[name]
        for name, meter in self.pools.items():
            present = set(kept[name].backends)
            for backend in [b for b in meter.backends if b not in present and not b.active]:
                del meter.backends[backend]


def count_endings(endings: Mapping[str, int], *who: Who) -> int:
    """Count the endings that somebody is to blame for."""
    letters = {each.value for each in who}
    return sum(count for ending, count in endings.items() if ending[0] in letters)


def _percentile(ordered: list[float], percent: int) -> float | None:
    """Return the smallest value that so many percent do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]
