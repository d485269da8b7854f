"""iperf3: as many bytes as possible, one way."""

from __future__ import annotations

import json
from enum import Enum

import attrs

from benchmarks.processes import HOST, BenchmarkError, output_of, program
from benchmarks.wrk import GRACE

_BITS_PER_BYTE = 8
_GIGA = 1e9


class Way(Enum):
    """Which way the bytes go."""

    THERE = "there"
    BACK = "back"


@attrs.frozen
class Bulk:
    """What arrived: gigabytes (10⁹), and seconds that it took."""

    gigabytes: float
    seconds: float

    @property
    def gigabits_per_second(self) -> float:
        """Return the throughput."""
        return self.gigabytes * _BITS_PER_BYTE / self.seconds


def iperf(port: int, *, streams: int, seconds: int, way: Way) -> Bulk:
    """Send for `seconds`; raises BenchmarkError when that fails."""
    command = [program("iperf3"), "--client", HOST, "--port", str(port), "--json"]
    command += ["--time", str(seconds), "--parallel", str(streams)]
    if way is Way.BACK:
        command.append("--reverse")
    return parse_iperf(output_of(command, within=seconds + GRACE))


def parse_iperf(text: str) -> Bulk:
    """Read iperf3's report in JSON; raises BenchmarkError when it failed or nothing arrived."""
    report = json.loads(text)
    if "error" in report:
        raise BenchmarkError(f"iperf3: {report['error']}")
    received = report["end"]["sum_received"]
    if not received["bytes"]:
        raise BenchmarkError("iperf3: nothing arrived")
    return Bulk(received["bytes"] / _GIGA, received["seconds"])
