"""What is done through every peer, and what it gives."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import attrs

from benchmarks.backends import Ports
from benchmarks.fixed_rate import fixed_rate
from benchmarks.iperf import Bulk, Way, iperf
from benchmarks.plain_clients import answered
from benchmarks.processes import KIB, Process
from benchmarks.wrk import Requests, wrk

if TYPE_CHECKING:
    from typing import Self

IDLE_CONNECTIONS = 2000
# Requests a second. Far below what the slowest peer can do, so that none of them is saturated.
RATE = 4000

# So many connections have come and gone before memory is looked at for the first time.
_WARM_UP = 20
# Seconds after which a peer is done with connections that were closed. Their end is paid for in
# the same work, and not in the next.
_REST = 0.1
_MICRO = 1e6

RATE_OF_REQUESTS = "requests/s"
RATE_OF_CONNECTIONS = "connections/s"
CPU_PER_REQUEST = "CPU µs/request"
CPU_PER_CONNECTION = "CPU µs/connection"
CPU_PER_GIGABYTE = "CPU s/GB"
CPU_SHARE = "CPU s/s"
THROUGHPUT = "Gbit/s"
P50, P99, P999 = "p50 ms", "p99 ms", "p99.9 ms"
MEMORY = "KiB/connection"


@attrs.frozen
class Target:
    """A running peer. Without a process it has no processor time and no memory to show."""

    ports: Ports
    process: Process | None

    def cpu_seconds(self) -> float:
        """Return its processor time up to now, or NaN."""
        return math.nan if self.process is None else self.process.cpu_seconds()

    def resident(self) -> float:
        """Return the bytes that it holds, or NaN."""
        return math.nan if self.process is None else self.process.resident()


@attrs.frozen
class Work:
    """Something to do through a peer for some seconds; gives the named figures.

    `needs`: programs without which it is left out.
    """

    name: str
    title: str
    needs: tuple[str, ...]
    figures: tuple[str, ...]
    measure: Callable[[Target, int], Mapping[str, float]]


class _Cpu:
    """The processor time that a target takes while a block runs."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.seconds = math.nan

    def __enter__(self) -> Self:
        self.seconds = self.target.cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(_REST)
        self.seconds = self.target.cpu_seconds() - self.seconds


def _keep_alive(connections: int, *, at_least: int = 1) -> Work:
    def measure(target: Target, seconds: int) -> Mapping[str, float]:
        with _Cpu(target) as cpu:
            duration = max(seconds, at_least)
            done = wrk(target.ports.web, connections=connections, seconds=duration)
        return {
            CPU_PER_REQUEST: cpu.seconds / done.count * _MICRO,
            RATE_OF_REQUESTS: done.rate,
            P99: done.p99,
        }

    figures = (CPU_PER_REQUEST, RATE_OF_REQUESTS, P99)
    title = f"keep-alive connections: {connections}, small requests"
    return Work(f"keep-alive-{connections}", title, ("wrk",), figures, measure)


def _new_connections(target: Target, seconds: int) -> Mapping[str, float]:
    with _Cpu(target) as cpu:
        done = wrk(target.ports.web, connections=64, seconds=seconds, keep_alive=False)
    return {
        CPU_PER_CONNECTION: cpu.seconds / done.count * _MICRO,
        RATE_OF_CONNECTIONS: done.rate,
        P99: done.p99,
    }


def _bulk(name: str, streams: int, ways: tuple[Way, ...], title: str) -> Work:
    def measure(target: Target, seconds: int) -> Mapping[str, float]:
        # Both ways are two clients at once. The option --bidir is not for proxies: it tells its
        # connections apart by the order of their arrival, and if that changes neither side reads.
        with _Cpu(target) as cpu, ThreadPoolExecutor() as pool:
            done = list(pool.map(partial(_stream, target, streams, seconds), ways))
        return {
            THROUGHPUT: sum(one.gigabits_per_second for one in done),
            CPU_PER_GIGABYTE: cpu.seconds / sum(one.gigabytes for one in done),
        }

    return Work(name, title, ("iperf3",), (THROUGHPUT, CPU_PER_GIGABYTE), measure)


def _stream(target: Target, streams: int, seconds: int, way: Way) -> Bulk:
    port = target.ports.bulk_back if way is Way.BACK else target.ports.bulk
    return iperf(port, streams=streams, seconds=seconds, way=way)


def _idle(target: Target, _seconds: int) -> Mapping[str, float]:
    with answered(target.ports.web, _WARM_UP):
        pass
    time.sleep(_REST)
    before = target.resident()
    with answered(target.ports.web, IDLE_CONNECTIONS):
        time.sleep(_REST)
        grown = target.resident() - before
    time.sleep(_REST)
    return {MEMORY: grown / IDLE_CONNECTIONS / KIB}


def _at_fixed_rate(target: Target, seconds: int) -> Mapping[str, float]:
    with _Cpu(target) as cpu:
        done = fixed_rate(target.ports.web, rate=RATE, connections=64, seconds=seconds)
    return {
        P50: done.p50,
        P99: done.p99,
        P999: done.p999,
        CPU_PER_REQUEST: cpu.seconds / done.count * _MICRO,
    }


def _mixed(target: Target, seconds: int) -> Mapping[str, float]:
    web = target.ports.web
    with _Cpu(target) as cpu, ThreadPoolExecutor() as pool:
        asking = pool.submit(wrk, web, connections=32, seconds=seconds)
        connecting = pool.submit(wrk, web, connections=8, seconds=seconds, keep_alive=False)
        sending = pool.submit(_stream, target, 1, seconds, Way.THERE)
    requests: Requests = asking.result()
    connections: Requests = connecting.result()
    sent: Bulk = sending.result()
    return {
        RATE_OF_REQUESTS: requests.rate,
        P99: requests.p99,
        RATE_OF_CONNECTIONS: connections.rate,
        THROUGHPUT: sent.gigabits_per_second,
        CPU_SHARE: cpu.seconds / seconds,
    }


WORKS = {
    work.name: work
    for work in (
        # First, while the peers are fresh: memory that they free they keep for later.
        Work("idle", f"{IDLE_CONNECTIONS} idle connections", (), (MEMORY,), _idle),
        _keep_alive(1),
        _keep_alive(64),
        # Each connection's first answer takes longer, for it is set up then. A thousand of them
        # are to be fewer than the hundredth of all answers that the 99th percentile leaves out.
        _keep_alive(1000, at_least=6),
        Work(
            "new-connections",
            "a new connection for each request, 64 at once",
            ("wrk",),
            (CPU_PER_CONNECTION, RATE_OF_CONNECTIONS, P99),
            _new_connections,
        ),
        _bulk("bulk-1", 1, (Way.THERE,), "1 bulk stream to the backend"),
        _bulk("bulk-1-back", 1, (Way.BACK,), "1 bulk stream from the backend"),
        _bulk("bulk-1-both", 1, (Way.THERE, Way.BACK), "1 bulk stream each way"),
        _bulk("bulk-4", 4, (Way.THERE,), "4 bulk streams to the backend"),
        _bulk("bulk-4-back", 4, (Way.BACK,), "4 bulk streams from the backend"),
        _bulk("bulk-4-both", 4, (Way.THERE, Way.BACK), "4 bulk streams each way"),
        Work(
            "fixed-rate",
            f"{RATE} requests/s over 64 connections",
            (),
            (P50, P99, P999, CPU_PER_REQUEST),
            _at_fixed_rate,
        ),
        Work(
            "mixed",
            "32 keep-alive, 8 ever new connections and a bulk stream at once",
            ("wrk", "iperf3"),
            (RATE_OF_REQUESTS, P99, RATE_OF_CONNECTIONS, THROUGHPUT, CPU_SHARE),
            _mixed,
        ),
    )
}
