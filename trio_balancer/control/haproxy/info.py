"""The values of `show info`: what is known of the process.

Keys of HAProxy's for which there is nothing here are left out, but for those that its clients take
for granted, which are 0.
"""

from __future__ import annotations

import os
import resource
import socket
import time
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config import fit_max_connections
from trio_balancer.relay.pipes import MAX_PIPES
from trio_balancer.version import __version__
from trio_balancer.wire.haproxy_info import uptime

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.statistics import BalancerStatistics
    from trio_balancer.wire.haproxy_fields import Value

# HAProxy's clients look at the name before they talk to anybody.
NAME = "HAProxy"
# No day of a release is known here; this is when the format's own version was released.
_RELEASE_DATE = "2026/10/17"
_MEMORY = ("Memmax_MB", "PoolAlloc_MB", "PoolUsed_MB", "PoolFailed")
_TLS = (
    "MaxSslConns",
    "CurrSslConns",
    "CumSslConns",
    "SslRate",
    "SslRateLimit",
    "MaxSslRate",
    "SslFrontendKeyRate",
    "SslFrontendMaxKeyRate",
    "SslFrontendSessionReuse_pct",
    "SslBackendKeyRate",
    "SslBackendMaxKeyRate",
    "SslCacheLookups",
    "SslCacheMisses",
)
_COMPRESSION = ("CompressBpsIn", "CompressBpsOut", "CompressBpsRateLim")
_LIMITS = ("ConnRateLimit", "SessRateLimit")


def info_values(balancer: Balancer) -> dict[str, Value]:
    """Return what `show info` tells of a running balancer, by HAProxy's keys."""
    statistics = balancer.statistics()
    return {
        **_product(),
        **dict.fromkeys((*_MEMORY, *_TLS, *_COMPRESSION, *_LIMITS), 0),
        **_process(balancer),
        **_limits(balancer, statistics),
        **_connections(statistics),
        **_pipes(balancer),
        "Stopping": int(not balancer.ready),
        "Jobs": statistics.active + _listening(balancer),
        "Listeners": _listening(balancer),
        "DroppedLogs": statistics.log.dropped,
        "Tainted": "0",
    }


def _product() -> dict[str, Value]:
    version = __version__
    return {
        "Name": NAME,
        "Version": version,
        "Build info": f"trio-balancer {version}",
        "Release_date": _RELEASE_DATE,
        "node": socket.gethostname(),
        "Nbthread": 1,
        "Nbproc": 1,
        "Process_num": 1,
    }


def _process(balancer: Balancer) -> dict[str, Value]:
    seconds = trio.current_time() - balancer.started_at
    tasks = trio.lowlevel.current_statistics()
    return {
        "Pid": os.getpid(),
        "Uptime": uptime(seconds),
        "Uptime_sec": int(seconds),
        "Start_time_sec": int(balancer.started_wall),
        "Tasks": tasks.tasks_living,
        "Run_queue": tasks.tasks_runnable,
        "Idle_pct": _idle(seconds),
    }


def _idle(seconds: float) -> int:
    """Return the share of the time since the start that the process did not use, in percent."""
    busy = time.process_time() / seconds if seconds else 1.0
    return round(100 * (1 - min(busy, 1.0)))


def _limits(balancer: Balancer, statistics: BalancerStatistics) -> dict[str, Value]:
    open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    limit = int(statistics.limit)
    return {
        "Ulimit-n": open_files,
        "Maxsock": open_files,
        "Maxconn": limit,
        "Hard_maxconn": max(limit, _fitting(balancer, open_files)),
    }


def _fitting(balancer: Balancer, open_files: int) -> int:
    """Return how many connections the open files would allow."""
    unlimited = attrs.evolve(balancer.config.balancer, max_connections=None)
    return fit_max_connections(attrs.evolve(balancer.config, balancer=unlimited), open_files)


def _connections(statistics: BalancerStatistics) -> dict[str, Value]:
    traffic = statistics.traffic
    return {
        "CurrConns": statistics.active,
        "CumConns": traffic.accepted,
        "CumReq": max(traffic.accepted - traffic.refused, 0),
        "ConnRate": traffic.rate,
        "MaxConnRate": traffic.rate_max,
        "SessRate": traffic.rate,
        "MaxSessRate": traffic.rate_max,
        "TotalBytesOut": traffic.bytes_down,
    }


def _pipes(balancer: Balancer) -> dict[str, Value]:
    relay = balancer.runtime.relay
    pipes = None if relay is None else relay.pipes
    if pipes is None:
        return dict.fromkeys(("Maxpipes", "PipesUsed", "PipesFree"), 0)
    return {"Maxpipes": MAX_PIPES, "PipesUsed": pipes.lent, "PipesFree": MAX_PIPES - pipes.lent}


def _listening(balancer: Balancer) -> int:
    return sum(len(addresses) for addresses in balancer.addresses.values())
