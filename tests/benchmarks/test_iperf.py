import json

import pytest

from benchmarks.iperf import parse_iperf
from benchmarks.processes import BenchmarkError


def test_what_arrived_counts() -> None:
    received = {"bytes": 2_000_000_000, "seconds": 2.0}
    sent = {"bytes": 2_100_000_000, "seconds": 2.0}
    found = parse_iperf(json.dumps({"end": {"sum_sent": sent, "sum_received": received}}))
    assert found.gigabytes == 2.0
    assert found.gigabits_per_second == 8.0


def test_no_bytes_are_no_result() -> None:
    received = {"bytes": 0, "seconds": 1.0}
    with pytest.raises(BenchmarkError, match="nothing arrived"):
        parse_iperf(json.dumps({"end": {"sum_received": received}}))


def test_an_error_is_no_result() -> None:
    with pytest.raises(BenchmarkError, match="the server is busy"):
        parse_iperf(json.dumps({"end": {}, "error": "the server is busy"}))
