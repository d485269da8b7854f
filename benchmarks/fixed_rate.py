"""Latency at a fixed rate: a client process that asks on time, whether or not it was answered.

A client that waits for its answer asks less often just when the answers are late, and so misses
most of them. This one counts from the moment at which a request was due.
"""

from __future__ import annotations

import argparse
import gc
import json
import select
import socket
import sys
import time
from collections import deque

import attrs

from benchmarks.plain_clients import REQUEST, answered
from benchmarks.processes import BenchmarkError, output_of
from benchmarks.samples import percentile
from benchmarks.wrk import GRACE

_ENOUGH = 65536


@attrs.frozen
class Latency:
    """Milliseconds that half, 99 % and 99.9 % of the requests took at most, and their number."""

    count: int
    p50: float
    p99: float
    p999: float


def fixed_rate(port: int, *, rate: int, connections: int, seconds: int) -> Latency:
    """Send `rate` requests a second for `seconds`, from a process of its own."""
    numbers = [str(number) for number in (port, rate, connections, seconds)]
    command = [sys.executable, "-m", "benchmarks.fixed_rate", *numbers]
    return Latency(**json.loads(output_of(command, within=seconds + 2 * GRACE)))


@attrs.define(eq=False)
class _Client:
    """A connection; answers come in the order of the questions and are equally long."""

    socket: socket.socket
    length: int
    due: deque[float] = attrs.Factory(deque)
    received: int = 0

    def ask(self, due: float) -> None:
        self.due.append(due)
        self.socket.sendall(REQUEST)

    def take(self) -> list[float]:
        """Read, and return the seconds that each whole answer took."""
        data = self.socket.recv(_ENOUGH)
        if not data:
            raise BenchmarkError("a client was closed")
        answers, self.received = divmod(self.received + len(data), self.length)
        now = time.perf_counter()
        return [now - self.due.popleft() for _ in range(answers)]


def _measure(clients: list[_Client], *, rate: int, seconds: int) -> list[float]:
    """Ask in turn on all connections; return the seconds that each request took."""
    waiting = select.epoll()
    by_descriptor = {client.socket.fileno(): client for client in clients}
    for descriptor in by_descriptor:
        waiting.register(descriptor, select.EPOLLIN)
    start = time.perf_counter()
    asked, total, taken = 0, rate * seconds, list[float]()
    while len(taken) < total:
        now = time.perf_counter()
        if now > start + seconds + GRACE:
            raise BenchmarkError(f"{total - len(taken)} requests were not answered")
        while asked < total and (due := start + asked / rate) <= now:
            clients[asked % len(clients)].ask(due)
            asked += 1
        pause = max(0.0, start + asked / rate - time.perf_counter()) if asked < total else 1
        # epoll counts in milliseconds; select, with epoll's own descriptor, in microseconds.
        if select.select([waiting], [], [], pause)[0]:
            for descriptor, _event in waiting.poll(0):
                taken += by_descriptor[descriptor].take()
    return taken


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser()
    for name in ("port", "rate", "connections", "seconds"):
        parser.add_argument(name, type=int)
    options = parser.parse_args()
    with answered(options.port, options.connections) as sockets:
        clients = [_Client(one, len(answer)) for one, answer in sockets]
        gc.disable()
        taken = sorted(_measure(clients, rate=options.rate, seconds=options.seconds))
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    latency = {name: percentile(taken, share) * 1000 for name, share in shares.items()}
    print(json.dumps({"count": len(taken), **latency}))


if __name__ == "__main__":
    main()
