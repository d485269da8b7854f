"""The rows of `show stat`: every listener, then every backend followed by its pool.

Columns that only HTTP or HAProxy's own insides could fill are 0 or empty, as in a TCP proxy of
HAProxy's. Counts of bytes and of endings are those of finished connections.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import Policy
from trio_balancer.control.haproxy.numbers import listener_ids, pool_ids
from trio_balancer.control.haproxy.server_row import endings_columns, server_row, shown_weight
from trio_balancer.flow.admit import BAD_HEADER, BAD_TLS
from trio_balancer.policy import State
from trio_balancer.wire.haproxy_columns import Kind
from trio_balancer.wire.haproxy_stats import StatRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.listener import ListenerState
    from trio_balancer.flow.statistics import (
        BalancerStatistics,
        ListenerStatistics,
        TrafficStatistics,
    )
    from trio_balancer.policy import BackendStatistics, PoolStatistics
    from trio_balancer.wire.haproxy_fields import Value

_ALGORITHMS = {
    Policy.ROUND_ROBIN: "roundrobin",
    Policy.LEAST_CONNECTIONS: "leastconn",
    Policy.RANDOM: "random",
    Policy.RANDOM_TWO: "random",
    Policy.SOURCE_HASH: "source",
    Policy.FIRST: "first",
    Policy.PEAK_EWMA: "peak-ewma",
}
_NO_HTTP = dict.fromkeys(("req_rate", "req_rate_max", "req_tot", "dreq", "dresp"), 0)
_NO_COMPRESSION = dict.fromkeys(("comp_in", "comp_out", "comp_byp", "comp_rsp"), 0)
# What HAProxy writes as 0 and counts elsewhere.
_AGGREGATES = dict.fromkeys(("agg_server_status", "agg_server_check_status", "agg_check_status"), 0)
# Of the connections that its frontends may have, a backend is "full" with a tenth.
_FULL_SHARE = 10


def stat_rows(balancer: Balancer) -> list[StatRow]:
    """Take the statistics of a running balancer as `show stat` tells them."""
    statistics = balancer.statistics()
    return [*_frontends(balancer, statistics), *_backends(balancer, statistics)]


def _frontends(balancer: Balancer, statistics: BalancerStatistics) -> Iterator[StatRow]:
    ids = listener_ids(balancer)
    for listener in statistics.listeners:
        values = _frontend(balancer, statistics, listener)
        yield StatRow(Kind.FRONTEND, listener.name, ids[listener.name], values)


def _frontend(
    balancer: Balancer, statistics: BalancerStatistics, listener: ListenerStatistics
) -> dict[str, Value]:
    traffic = listener.traffic
    return {
        "scur": listener.active,
        "smax": traffic.peak,
        "slim": int(min(listener.limit, statistics.limit)),
        "stot": max(traffic.accepted - traffic.refused, 0),
        "bin": traffic.bytes_up,
        "bout": traffic.bytes_down,
        "ereq": _unusable(traffic),
        "status": _frontend_status(balancer, listener.name),
        "rate": traffic.rate,
        "rate_lim": _rate_limit(balancer.gates[listener.name].listener),
        "rate_max": traffic.rate_max,
        "mode": "tcp",
        "conn_rate": traffic.rate,
        "conn_rate_max": traffic.rate_max,
        "conn_tot": traffic.accepted,
        "dcon": traffic.refused - _malformed(traffic),
        "dses": 0,
        "wrew": 0,
        "eint": sum(count for ending, count in traffic.endings.items() if ending[0] == "I"),
        **_NO_HTTP,
        **_NO_COMPRESSION,
    }


def _unusable(traffic: TrafficStatistics) -> int:
    """Count clients that sent nothing usable: those that ended there, but were not refused."""
    early = sum(count for ending, count in traffic.endings.items() if ending[1] in "RT")
    return max(early - traffic.refused + _malformed(traffic), 0)


def _malformed(traffic: TrafficStatistics) -> int:
    """Count clients whose handshake was malformed, which to us is a refusal and here is not."""
    return sum(traffic.refusals.get(word, 0) for word in (BAD_HEADER, BAD_TLS))


def _frontend_status(balancer: Balancer, name: str) -> str:
    gate = balancer.gates[name]
    if gate.draining or not gate.bound:
        return "STOP"
    return "PAUSED" if gate.closed else "OPEN"


def _rate_limit(listener: ListenerState) -> int:
    access = listener.config.access
    limit = None if access is None else access.rate
    return 0 if limit is None else math.ceil(limit.per_second)


def _backends(balancer: Balancer, statistics: BalancerStatistics) -> Iterator[StatRow]:
    ids = pool_ids(balancer)
    for pool in statistics.pools:
        traffic = statistics.pool_traffic[pool.name]
        config = balancer.runtime.pools[pool.name].config
        for number, backend in enumerate(pool.backends, 1):
            values = server_row(config.health.type, backend, traffic.backends[backend.name])
            yield StatRow(Kind.SERVER, pool.name, ids[pool.name], values, backend.name, number)
        values = _backend(balancer, statistics, pool)
        yield StatRow(Kind.BACKEND, pool.name, ids[pool.name], values)


def _backend(
    balancer: Balancer, statistics: BalancerStatistics, pool: PoolStatistics
) -> dict[str, Value]:
    traffic = statistics.pool_traffic[pool.name]
    whole, availability = traffic.whole, traffic.availability
    since = availability.unchanged_for
    serving = _serving(pool.backends)
    return {
        "qcur": pool.queued + pool.held,
        "qmax": pool.queue_peak,
        "scur": pool.active,
        "smax": whole.peak,
        "slim": _full(balancer, statistics, pool.name),
        "stot": whole.chosen,
        "status": "UP" if serving else "DOWN",
        "weight": sum(map(shown_weight, _in_use(serving))),
        "uweight": sum(backend.weight for backend in _in_use(serving)),
        "act": sum(not backend.backup for backend in serving),
        "bck": sum(backend.backup for backend in serving),
        "chkdown": availability.times_down,
        "lastchg": int(trio.current_time() - balancer.started_at if since is None else since),
        "downtime": int(availability.downtime),
        "lbtot": sum(backend.leased for backend in pool.backends),
        "rate": whole.rate,
        "rate_max": whole.rate_max,
        "mode": "tcp",
        "algo": _ALGORITHMS[pool.policy],
        "connect": sum(backend.dials + backend.dial_failures for backend in pool.backends),
        "dreq": 0,
        **endings_columns(whole),
        **_NO_COMPRESSION,
        **_AGGREGATES,
    }


def _serving(backends: Iterable[BackendStatistics]) -> list[BackendStatistics]:
    return [each for each in backends if each.state is State.UP and each.weight > 0]


def _in_use(serving: Sequence[BackendStatistics]) -> Sequence[BackendStatistics]:
    """Leave out the backups, as long as another one is up."""
    return [each for each in serving if not each.backup] or serving


def _full(balancer: Balancer, statistics: BalancerStatistics, pool: str) -> int:
    limits = [
        int(min(listener.limit, statistics.limit))
        for listener in statistics.listeners
        if pool in _pools_of(balancer.gates[listener.name].listener)
    ]
    return math.ceil(sum(limits) / _FULL_SHARE)


def _pools_of(listener: ListenerState) -> set[str | None]:
    config = listener.config
    return {config.pool, *(route.pool for route in config.routes)}
