"""The status of a running balancer as JSON: what programs, `trio-balancerctl` and dashboards read.

Times are seconds; `since` and `at` are Unix seconds; null stands for "none" and for "no limit".
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.control.leaving import leaving_json
from trio_balancer.flow.record import Who
from trio_balancer.flow.service_meters import count_endings
from trio_balancer.version import __version__

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.control.history import ReloadHistory
    from trio_balancer.flow.service_meters import ServiceStatistics
    from trio_balancer.flow.statistics import (
        BalancerStatistics,
        ListenerStatistics,
        PoolTraffic,
        TrafficStatistics,
    )
    from trio_balancer.policy import BackendStatistics, PoolStatistics

Json = dict[str, object]
"""A JSON object: every value in it is one that `json.dumps` takes."""


def take_status(balancer: Balancer, reloads: ReloadHistory, config_file: str | None) -> Json:
    """Describe everything in one snapshot."""
    statistics = balancer.statistics()
    now = trio.current_time()
    clock = _Clock(now, balancer.runtime.wall_clock())
    return {
        "version": __version__,
        "pid": os.getpid(),
        "uptime": _seconds(now - balancer.started_at),
        "ready": balancer.ready,
        "draining": not balancer.ready,
        "config_file": config_file,
        "reloads": attrs.asdict(reloads),
        "connections": _connections(statistics),
        "listeners": [_listener(balancer, each) for each in statistics.listeners],
        "pools": [_pool(balancer, statistics, pool, clock) for pool in statistics.pools],
        "leaving": leaving_json(balancer),
        "log": {
            "written": statistics.log.written,
            "dropped": statistics.log.dropped,
            "suppressed": statistics.log.suppressed,
        },
    }


@attrs.frozen
class _Clock:
    """One moment on both clocks."""

    now: float
    wall: float

    def unix(self, moment: float) -> float:
        """Turn a moment of trio's clock into Unix seconds."""
        return round(self.wall - (self.now - moment), 3)


def _connections(statistics: BalancerStatistics) -> Json:
    traffic = statistics.traffic
    internal = count_endings(traffic.endings, Who.INTERNAL)
    return {
        "active": statistics.active,
        "limit": _limit(statistics.limit),
        "bugs": traffic.bugs,
        # Whatever else ended with "I" was a filter of the user's.
        "filter_errors": max(internal - traffic.bugs, 0),
        **_traffic(traffic),
    }


def _listener(balancer: Balancer, listener: ListenerStatistics) -> Json:
    return {
        "name": listener.name,
        "addresses": [str(address) for address in balancer.addresses[listener.name]],
        "pool": balancer.gates[listener.name].listener.config.pool,
        "state": listener_state(balancer, listener.name),
        "active": listener.active,
        "limit": _limit(listener.limit),
        **_traffic(listener.traffic),
    }


def listener_state(balancer: Balancer, name: str) -> str:
    """Say whether a listener accepts: "open", "full", "closed" or "draining"."""
    gate = balancer.gates[name]
    if gate.draining:
        return "draining"
    if gate.closed or not gate.bound:
        return "closed"
    return "open" if gate.listener.limiter.available_tokens > 0 else "full"


def _traffic(traffic: TrafficStatistics) -> Json:
    return {
        "peak": traffic.peak,
        "accepted": traffic.accepted,
        "refused": traffic.refused,
        "accept_errors": traffic.accept_errors,
        "bytes_up": traffic.bytes_up,
        "bytes_down": traffic.bytes_down,
        "rate": traffic.rate,
        "rate_max": traffic.rate_max,
        "endings": dict(traffic.endings),
        "refusals": dict(traffic.refusals),
    }


def _pool(
    balancer: Balancer, statistics: BalancerStatistics, pool: PoolStatistics, clock: _Clock
) -> Json:
    traffic = statistics.pool_traffic[pool.name]
    return {
        "name": pool.name,
        "policy": pool.policy.value,
        "required": balancer.runtime.pools[pool.name].config.required,
        "active": pool.active,
        "queued": pool.queued,
        "held": pool.held,
        "queue_limit": pool.queue_limit,
        **_service(traffic.whole),
        "backends": [_backend(balancer, pool.name, each, traffic, clock) for each in pool.backends],
    }


def _service(service: ServiceStatistics) -> Json:
    return {
        "peak": service.peak,
        "total": service.chosen,
        "rate": service.rate,
        "rate_max": service.rate_max,
        "bytes_up": service.bytes_up,
        "bytes_down": service.bytes_down,
        "connect_p50": _seconds(service.connect_p50),
        "connect_p99": _seconds(service.connect_p99),
        "endings": dict(service.endings),
    }


def _backend(
    balancer: Balancer, pool: str, backend: BackendStatistics, traffic: PoolTraffic, clock: _Clock
) -> Json:
    return {
        "name": backend.name,
        "address": str(backend.address),
        "state": backend.state.value,
        "admin": backend.admin.value,
        "reason": backend.reason,
        "since": clock.unix(clock.now - backend.in_state_for),
        "in_state_for": _seconds(backend.in_state_for),
        "weight": backend.weight,
        "configured_weight": backend.configured_weight,
        "effective_weight": round(backend.effective_weight, 3),
        "max_connections": backend.max_connections,
        "backup": backend.backup,
        "active": backend.active,
        "dials": backend.dials,
        "dial_failures": backend.dial_failures,
        "resets": backend.resets,
        **_service(traffic.backends[backend.name]),
        "check": _check(balancer, pool, backend, clock),
        "ejected": backend.ejected,
        "ejection_ends_in": _seconds(backend.ejection_ends_in),
        "times_down": backend.times_down,
        "downtime": _seconds(backend.downtime),
    }


def _check(balancer: Balancer, pool: str, backend: BackendStatistics, clock: _Clock) -> Json:
    last = backend.last_check
    return {
        "type": balancer.runtime.pools[pool].config.health.type.value,
        "passed": None if last is None else last.passed,
        "detail": None if last is None else last.detail,
        "duration": None if last is None else _seconds(last.duration),
        "at": None if last is None else clock.unix(last.at),
    }


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _limit(limit: float) -> int | None:
    return None if math.isinf(limit) else int(limit)
