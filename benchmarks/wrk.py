"""wrk: as many requests as possible over a number of connections."""

from __future__ import annotations

import re

import attrs

from benchmarks.processes import HOST, BenchmarkError, output_of, program

# Seconds for a client to connect, and to notice that its time is over.
GRACE = 15

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@attrs.frozen
class Requests:
    """What wrk tells: answers, answers a second, the 99th percentile of latency in ms."""

    count: int
    rate: float
    p99: float


def wrk(port: int, *, connections: int, seconds: int, keep_alive: bool = True) -> Requests:
    """Ask for `seconds`, each connection again as soon as it has its answer.

    Raises BenchmarkError when a connection failed or an answer was none.
    """
    # One thread: it is no bottleneck, and leaves more of a small machine to the proxy.
    command = [program("wrk"), "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--latency"]
    if not keep_alive:
        command += ["--header", "Connection: close"]
    return parse_wrk(output_of([*command, f"http://{HOST}:{port}/"], within=seconds + GRACE))


def parse_wrk(text: str) -> Requests:
    """Read wrk's report; raises BenchmarkError when it tells of errors."""
    errors = re.search(r"Socket errors:.*|Non-2xx or 3xx responses:.*", text)
    if errors:
        raise BenchmarkError(f"wrk: {errors[0]}")
    count = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)
    if count is None or rate is None or p99 is None or int(count[1]) == 0:
        raise BenchmarkError(f"wrk got no answer: {text.strip()[-200:]}")
    return Requests(int(count[1]), float(rate[1]), float(p99[1]) * _MILLISECONDS[p99[2]])
