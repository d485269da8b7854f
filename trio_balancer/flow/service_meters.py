"""What pools and backends do for their connections, measured as these come and end."""

from __future__ import annotations

from collections import Counter, deque
from itertools import chain
from typing import TYPE_CHECKING

import attrs

from trio_balancer.flow.meters import Availability, EventRate, MeanTime, RecentMean, percentile
from trio_balancer.policy import Backend

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from trio_balancer.flow.record import Record, Who
    from trio_balancer.policy import Pool

#: The latest dials that percentiles are of: sorting them is all that a snapshot costs.
DIALS = 256


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
        self.peak = max(self.peak, active)
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

    def absorb(self, other: ServiceMeter) -> None:
        """Take in what another one has counted of finished connections."""
        self.bytes_up += other.bytes_up
        self.bytes_down += other.bytes_down
        self.endings.update(other.endings)
        self.retries += other.retries
        self.redispatches += other.redispatches
        self.queue_time.absorb(other.queue_time)
        self.connect_time.absorb(other.connect_time)
        self.total_time.absorb(other.total_time)

    def clear_peaks(self) -> None:
        """Begin to look for the highest values anew."""
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
            connect_p50=percentile(dials, 50),
            connect_p99=percentile(dials, 99),
            queue_time=MeanTime(self.queue_time.mean, self.queue_time.highest),
            connect_time=MeanTime(self.connect_time.mean, self.connect_time.highest),
            total_time=MeanTime(self.total_time.mean, self.total_time.highest),
        )


@attrs.define(eq=False)
class PoolMeter:
    """The meters of a pool's backends, and of what is no backend's.

    Each finished connection is counted in one of them only; the whole is added up by who reads it.
    """

    rate: EventRate = attrs.Factory(EventRate)
    chosen_at: float | None = None
    peak: int = 0
    availability: Availability = attrs.Factory(Availability)
    #: Connections that came to no backend, and those of backends that are forgotten.
    others: ServiceMeter = attrs.Factory(ServiceMeter)
    backends: dict[Backend, ServiceMeter] = attrs.Factory(dict)

    def of(self, backend: Backend) -> ServiceMeter:
        """Return a backend's meter."""
        meter = self.backends.get(backend)
        if meter is None:
            meter = self.backends[backend] = ServiceMeter()
        return meter

    def statistics(self, now: float, active: int) -> ServiceStatistics:
        """Take a snapshot of the whole."""
        meters = [self.others, *self.backends.values()]
        whole = ServiceMeter(rate=self.rate, chosen_at=self.chosen_at, peak=self.peak)
        for meter in meters:
            whole.absorb(meter)
        # The latest of each, so that one busy backend does not stand for all of them.
        share = max(DIALS // len(meters), 1)
        whole.dials = deque(chain.from_iterable(list(meter.dials)[-share:] for meter in meters))
        return whole.statistics(now, active)

    def forget(self, backend: Backend) -> None:
        """Drop a backend's meter; the pool's counts stay."""
        self.others.absorb(self.backends.pop(backend))

    def clear_peaks(self) -> None:
        """Begin to look for the highest values anew."""
        self.rate.forget_highest()
        self.peak = 0
        for meter in (self.others, *self.backends.values()):
            meter.clear_peaks()


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
        meter = self.of(pool.name)
        meter.rate.count(now)
        meter.chosen_at = now

    def chosen(self, pool: Pool, backend: Backend, now: float) -> None:
        """Count an attempt to reach a backend."""
        self.of(pool.name).of(backend).chosen(now)

    def finished(self, pool: Pool, backend: Backend | None, record: Record, letters: str) -> None:
        """Add a finished connection; `backend` is the last one tried."""
        meter = self.of(pool.name)
        if record.counts.pool > meter.peak:  # noqa: PLR1730 - a call of max costs more
            meter.peak = record.counts.pool
        if backend is None:
            meter.others.finished(record, letters, 0)
        else:
            meter.of(backend).finished(record, letters, record.counts.backend)

    def clear_peaks(self) -> None:
        """Begin to look for the highest values anew."""
        for pool in self.pools.values():
            pool.clear_peaks()

    def clear(self) -> None:
        """Count everything anew; who is up or down is no count."""
        for name, pool in self.pools.items():
            state = pool.availability
            self.pools[name] = PoolMeter(availability=Availability(state.up, state.changed_at))

    def forget_others(self, pools: Collection[Pool]) -> None:
        """Drop the meters of pools and backends that are forgotten."""
        kept = {pool.name: pool for pool in pools}
        for name in [name for name in self.pools if name not in kept]:
            del self.pools[name]
        for name, meter in self.pools.items():
            present = {*kept[name].backends, *kept[name].departed}
            for backend in [backend for backend in meter.backends if backend not in present]:
                meter.forget(backend)


def count_endings(endings: Mapping[str, int], *who: Who) -> int:
    """Count the endings that somebody is to blame for."""
    letters = {each.value for each in who}
    return sum(count for ending, count in endings.items() if ending[0] in letters)
