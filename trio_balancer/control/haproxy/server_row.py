"""The row of one backend in `show stat`, and what pools have in common with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trio_balancer.control.haproxy.checks import check_columns
from trio_balancer.control.haproxy.words import admin_of, health_of, operation_of
from trio_balancer.wire.haproxy_status import server_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.config.model_health import CheckType
    from trio_balancer.flow.service_meters import ServiceStatistics
    from trio_balancer.policy import BackendStatistics
    from trio_balancer.wire.haproxy_fields import Value

_MILLISECONDS = 1000
_NEVER = -1
_NO_IDLE_CONNECTIONS = dict.fromkeys(("srv_icur", "idle_conn_cur", "safe_conn_cur"), 0)


def server_row(
    kind: CheckType, backend: BackendStatistics, service: ServiceStatistics
) -> dict[str, Value]:
    """Return the columns of a backend, which HAProxy calls a server."""
    values: dict[str, Value] = {
        "qcur": 0,
        "qmax": 0,
        "scur": backend.active,
        "smax": backend.peak_active,
        "stot": backend.leased,
        "status": server_status(operation_of(backend), admin_of(backend), health_of(backend)),
        "weight": shown_weight(backend),
        "uweight": backend.weight,
        "act": int(not backend.backup),
        "bck": int(backend.backup),
        "lastchg": int(backend.in_state_for),
        "lbtot": backend.leased,
        "rate": service.rate,
        "rate_max": service.rate_max,
        "addr": str(backend.address),
        "mode": "tcp",
        "connect": backend.dials + backend.dial_failures,
        "used_conn_cur": backend.active,
        "need_conn_est": backend.active,
        **endings_columns(service),
        **_NO_IDLE_CONNECTIONS,
    }
    return values | _optional(kind, backend)


def shown_weight(backend: BackendStatistics) -> int:
    """Return the weight in force; what starts slowly has some of it from the beginning."""
    return math.ceil(backend.effective_weight)


def endings_columns(service: ServiceStatistics) -> dict[str, Value]:
    """Return the columns that tell of finished connections."""
    broken = _count(service.endings, "S", "DL")
    return {
        "bin": service.bytes_up,
        "bout": service.bytes_down,
        "dresp": 0,
        "econ": _count(service.endings, "Ss", "CQ"),
        "eresp": broken,
        "wretr": max(service.retries - service.redispatches, 0),
        "wredis": service.redispatches,
        "cli_abrt": _count(service.endings, "C", "CQDL"),
        "srv_abrt": broken,
        "lastsess": _NEVER if service.idle_for is None else int(service.idle_for),
        "qtime": round(service.queue_time.mean * _MILLISECONDS),
        "ctime": round(service.connect_time.mean * _MILLISECONDS),
        "rtime": 0,
        "ttime": round(service.total_time.mean * _MILLISECONDS),
        "qtime_max": round(service.queue_time.highest * _MILLISECONDS),
        "ctime_max": round(service.connect_time.highest * _MILLISECONDS),
        "rtime_max": 0,
        "ttime_max": round(service.total_time.highest * _MILLISECONDS),
        "eint": _count(service.endings, "I", "RQCDT-"),
        "wrew": 0,
        "reuse": 0,
    }


def _count(endings: Mapping[str, int], who: str, phases: str) -> int:
    return sum(n for ending, n in endings.items() if ending[0] in who and ending[1] in phases)


def _optional(kind: CheckType, backend: BackendStatistics) -> dict[str, Value]:
    """Return what not every backend has."""
    values: dict[str, Value] = {}
    if backend.max_connections is not None:
        values["slim"] = backend.max_connections
    if backend.effective_weight < backend.weight:
        values["throttle"] = round(100 * backend.effective_weight / backend.weight)
    if backend.checked:
        values |= check_columns(kind, backend.last_check)
        values |= {
            "chkfail": backend.checks_failed,
            "chkdown": backend.times_down,
            "downtime": int(backend.downtime),
            "check_rise": backend.rise,
            "check_fall": backend.fall,
            "check_health": backend.health,
        }
    return values
