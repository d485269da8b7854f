"""Frozen snapshots of a running balancer: all that metrics and dashboards may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.log import LogStatistics
from trio_balancer.policy import PoolStatistics

if TYPE_CHECKING:
    from trio_balancer.flow.live import ListenerState, Runtime, Totals


@attrs.frozen
class TrafficStatistics:
    """Counts since the start; `endings` counts finished connections by their two letters.

    `refusals` counts the refused ones by the reason, in one word; `refused` is their sum.

    `bytes_up` and `bytes_down` are those of finished connections.
    """

    accepted: int
    refused: int
    accept_errors: int
    bugs: int
    bytes_up: int
    bytes_down: int
    endings: Mapping[str, int]
    refusals: Mapping[str, int]


@attrs.frozen
class ListenerStatistics:
    """One listener; `limit` is inf where it has none of its own."""

    name: str
    active: int
    limit: float
    traffic: TrafficStatistics


@attrs.frozen
class BalancerStatistics:
    """The whole process; `tokens` are those of the global limiter that are taken."""

    active: int
    limit: float
    tokens: int
    traffic: TrafficStatistics
    listeners: tuple[ListenerStatistics, ...]
    pools: tuple[PoolStatistics, ...]
    log: LogStatistics


def take_statistics(runtime: Runtime, listeners: Mapping[str, ListenerState]) -> BalancerStatistics:
    """Take a snapshot."""
    now = trio.current_time()
    return BalancerStatistics(
        active=len(runtime.connections),
        limit=runtime.limiter.total_tokens,
        tokens=runtime.limiter.borrowed_tokens,
        traffic=_traffic(runtime.totals),
        listeners=tuple(map(_listener, listeners.values())),
        pools=tuple(pool.statistics(now) for pool in runtime.pools.values()),
        log=runtime.log.statistics(),
    )


def _listener(listener: ListenerState) -> ListenerStatistics:
    return ListenerStatistics(
        name=listener.name,
        active=listener.active,
        limit=listener.limiter.total_tokens,
        traffic=_traffic(listener.totals),
    )


def _traffic(totals: Totals) -> TrafficStatistics:
    return TrafficStatistics(
        accepted=totals.accepted,
        refused=totals.refused,
        accept_errors=totals.accept_errors,
        bugs=totals.bugs,
        bytes_up=totals.bytes_up,
        bytes_down=totals.bytes_down,
        endings=dict(totals.endings),
        refusals=dict(totals.refusals),
    )
