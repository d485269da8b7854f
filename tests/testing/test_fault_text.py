from __future__ import annotations

from typing import Any

import pytest

from trio_balancer.faults import InstalledFault, make_fault, on_listener, on_pool
from trio_balancer.testing.fault_text import fault_place, fault_text


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            {"type": "latency", "attributes": {"latency": 100, "jitter": 2.5}},
            "latency_downstream on listeners.web: latency(latency=100, jitter=2.5) downstream",
        ),
        (
            {"type": "stall", "name": "s", "stream": "upstream", "toxicity": 0.5},
            "s on listeners.web: stall(duration=0) upstream toxicity=0.5",
        ),
        (
            {"type": "noop", "match": {"first": 2, "client": "10.0.0.0/8", "after_bytes": 9}},
            (
                "noop_downstream on listeners.web: noop() downstream"
                " first=2 client=10.0.0.0/8 after_bytes=9"
            ),
        ),
        ({"type": "refuse", "name": "no"}, "no on listeners.web: refuse()"),
    ],
)
def test_it_says_all_that_matters(table: dict[str, Any], text: str) -> None:
    assert fault_text(InstalledFault(on_listener("web"), make_fault(table))) == text


def test_the_backend_has_a_place_of_its_own() -> None:
    installed = InstalledFault(on_pool("app"), make_fault({"type": "noop", "backend": "one"}))
    assert fault_text(installed) == "noop_downstream on pools.app: noop() downstream"
    assert fault_place(installed) == "noop_downstream on pools.app"
