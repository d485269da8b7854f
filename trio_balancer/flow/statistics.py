"""Frozen snapshots of a running balancer: all that metrics and dashboards may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.log import LogStatistics
from trio_balancer.flow.service_meters import ServiceStatistics
from trio_balancer.policy import PoolStatistics

if TYPE_CHECKING:
    from trio_balancer.flow.listener import ListenerState, Totals
    from trio_balancer.flow.live import Runtime
    from trio_balancer.flow.meters import Availability
    from trio_balancer.flow.service_meters import PoolMeter
    from trio_balancer.policy import Pool


@attrs.frozen
class TrafficStatistics:
    """Counts since the start; `endings` counts finished connections by their two letters.

    `refusals` counts the refused ones by the reason, in one word; `refused` is their sum.

    `bytes_up` and `bytes_down` are those of finished connections, `peak` the most that were open
    at once. `rate` counts those accepted in the last second, `rate_max` the most in one.
    """

    accepted: int
    refused: int
    accept_errors: int
    bugs: int
    bytes_up: int
    bytes_down: int
    endings: Mapping[str, int]
    refusals: Mapping[str, int]
    peak: int
    rate: int
    rate_max: int


@attrs.frozen
class ListenerStatistics:
    """One listener; `limit` is inf where it has none of its own."""

    name: str
    active: int
    limit: float
    traffic: TrafficStatistics


@attrs.frozen
class AvailabilityStatistics:
    """Whether any backend of a pool is up, and the times when none was.

    `unchanged_for` is in seconds, None for one that has been up from the start.
    """

    up: bool
    unchanged_for: float | None
    times_down: int
    downtime: float


@attrs.frozen
class PoolTraffic:
    """What a pool did for its connections, and each of its backends, by name."""

    whole: ServiceStatistics
    availability: AvailabilityStatistics
    backends: Mapping[str, ServiceStatistics]


@attrs.frozen
class BalancerStatistics:
    """The whole process; `tokens` are those of the global limiter that are taken.

    `pool_traffic` belongs to the `pools`, by name.
    """

    active: int
    limit: float
    tokens: int
    traffic: TrafficStatistics
    listeners: tuple[ListenerStatistics, ...]
    pools: tuple[PoolStatistics, ...]
    pool_traffic: Mapping[str, PoolTraffic]
    log: LogStatistics


def take_statistics(runtime: Runtime, listeners: Mapping[str, ListenerState]) -> BalancerStatistics:
    """Take a snapshot."""
    now = trio.current_time()
    active = len(runtime.connections)
    return BalancerStatistics(
        active=active,
        limit=runtime.limiter.total_tokens,
        tokens=runtime.limiter.borrowed_tokens,
        traffic=_traffic(runtime.totals, active, now),
        listeners=tuple(_listener(listener, now) for listener in listeners.values()),
        pools=tuple(pool.statistics(now) for pool in runtime.pools.values()),
        pool_traffic=_pool_traffic(runtime, now),
        log=runtime.log.statistics(),
    )


def _listener(listener: ListenerState, now: float) -> ListenerStatistics:
    return ListenerStatistics(
        name=listener.name,
        active=listener.active,
        limit=listener.limiter.total_tokens,
        traffic=_traffic(listener.totals, listener.active, now),
    )


def _traffic(totals: Totals, active: int, now: float) -> TrafficStatistics:
    return TrafficStatistics(
        accepted=totals.accepted,
        refused=totals.refused,
        accept_errors=totals.accept_errors,
        bugs=totals.bugs,
        bytes_up=totals.bytes_up,
        bytes_down=totals.bytes_down,
        endings=dict(totals.endings),
        refusals=dict(totals.refusals),
        peak=max(totals.peak, active),
        rate=totals.rate.at(now),
        rate_max=totals.rate.highest,
    )


def _pool_traffic(runtime: Runtime, now: float) -> dict[str, PoolTraffic]:
    runtime.meters.forget_others([*runtime.pools.values(), *runtime.departed.values()])
    return {
        pool.name: _service(runtime.meters.of(pool.name), pool, now)
        for pool in runtime.pools.values()
    }


def _service(meter: PoolMeter, pool: Pool, now: float) -> PoolTraffic:
    return PoolTraffic(
        whole=meter.statistics(now, pool.active),
        availability=_availability(meter.availability, now),
        backends={
            backend.name: meter.of(backend).statistics(now, backend.active)
            for backend in pool.backends
        },
    )


def _availability(meter: Availability, now: float) -> AvailabilityStatistics:
    return AvailabilityStatistics(
        up=meter.up,
        unchanged_for=None if meter.changed_at is None else now - meter.changed_at,
        times_down=meter.times_down,
        downtime=meter.downtime(now),
    )
