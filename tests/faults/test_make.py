from __future__ import annotations

import ipaddress

import pytest

from trio_balancer.config.model_effects import Latency
from trio_balancer.config.model_faults import Fault, FaultStream, Match
from trio_balancer.faults import FaultError, FaultErrorCode, make_fault
from trio_balancer.faults.make import change_fault


def test_as_little_as_possible() -> None:
    assert make_fault({"type": "latency"}) == Fault("latency_downstream", Latency())


def test_all_of_it() -> None:
    fault = make_fault(
        {
            "name": "slow",
            "type": "latency",
            "stream": "upstream",
            "toxicity": 0.5,
            "attributes": {"latency": 100, "jitter": 5},
            "match": {"nth": 3, "client": "10.0.0.0/8", "after_bytes": 7, "backend": "b"},
        }
    )
    match = Match(nth=3, client=ipaddress.ip_network("10.0.0.0/8"), after_bytes=7, backend="b")
    assert fault == Fault("slow", Latency(100, 5), FaultStream.UPSTREAM, 0.5, match)


@pytest.mark.parametrize(
    ("table", "code", "part"),
    [
        ({}, FaultErrorCode.INVALID_TYPE, "type: is required"),
        ({"type": "latenc"}, FaultErrorCode.INVALID_TYPE, "did you mean 'latency'"),
        ({"type": "noop", "stream": "up"}, FaultErrorCode.INVALID_STREAM, "stream: expected"),
        ({"type": "noop", "toxicity": 2}, FaultErrorCode.INVALID_VALUE, "toxicity: expected"),
        ({"type": "noop", "x": 2}, FaultErrorCode.INVALID_VALUE, "x: unknown key"),
        (
            {"type": "latency", "attributes": {"latency": -1}},
            FaultErrorCode.INVALID_VALUE,
            "attributes.latency: expected",
        ),
    ],
)
def test_mistakes(table: dict[str, object], code: FaultErrorCode, part: str) -> None:
    with pytest.raises(FaultError, match=part) as caught:
        make_fault(table)
    assert caught.value.code is code


def test_only_what_is_given_is_changed() -> None:
    fault = make_fault({"type": "latency", "attributes": {"latency": 100, "jitter": 5}})
    changed = change_fault(fault, {"latency": 7}, None)
    assert changed.attributes == {"latency": 7, "jitter": 5}
    assert change_fault(changed, None, 0.25).toxicity == 0.25
    assert change_fault(changed, None, 0.25).effect == changed.effect
    with pytest.raises(FaultError):
        change_fault(fault, {"delay": 7}, None)
