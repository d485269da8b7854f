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


def test_both_ways_are_added() -> None:
    end = {
        "sum_received": {"bytes": 1_000_000_000, "seconds": 1.0},
        "sum_received_bidir_reverse": {"bytes": 500_000_000, "seconds": 1.0},
    }
    assert parse_iperf(json.dumps({"end": end})).gigabits_per_second == 12.0


def test_no_bytes_one_way_are_no_result() -> None:
    end = {
        "sum_received": {"bytes": 1_000_000_000, "seconds": 1.0},
        "sum_received_bidir_reverse": {"bytes": 0, "seconds": 1.0},
    }
    with pytest.raises(BenchmarkError, match="nothing arrived"):
        parse_iperf(json.dumps({"end": end}))


def test_an_error_is_no_result() -> None:
    with pytest.raises(BenchmarkError, match="the server is busy"):
        parse_iperf(json.dumps({"end": {}, "error": "the server is busy"}))
