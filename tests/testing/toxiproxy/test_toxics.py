from __future__ import annotations

import pytest

from trio_balancer import parse_config
from trio_balancer.faults import FaultBook, make_fault
from trio_balancer.testing.toxiproxy.bodies import ToxicChange
from trio_balancer.testing.toxiproxy.errors import ApiError
from trio_balancer.testing.toxiproxy.toxics import Toxics

CONFIG = parse_config(
    '[listeners.web]\nbind = "127.0.0.1:0"\npool = "app"\n[pools.app]\nbackends = ["127.0.0.1:1"]\n'
)


@pytest.fixture
def toxics() -> Toxics:
    book = FaultBook(1)
    book.configure(CONFIG)
    return Toxics(book)


def test_one_life(toxics: Toxics) -> None:
    match = {"first": 3, "client": "10.0.0.0/8", "backend": "one"}
    told = toxics.add("web", make_fault({"type": "latency", "match": match}))
    assert told["match"] == match
    name = "latency_downstream"
    assert toxics.describe("web", name) == told
    change = ToxicChange({"latency": 5}, 0.5)
    changed = {**told, "attributes": {"latency": 5, "jitter": 0}, "toxicity": 0.5}
    assert toxics.update("web", name, change) == changed
    assert toxics.describe_all("web") == [changed]
    toxics.remove("web", name)
    assert toxics.describe_all("web") == []


def test_clear(toxics: Toxics) -> None:
    toxics.add("web", make_fault({"type": "noop"}))
    toxics.clear("web")
    assert toxics.describe_all("web") == []


def test_what_is_not_there(toxics: Toxics) -> None:
    change = ToxicChange({}, None)
    for attempt in (
        lambda: toxics.describe_all("x"),
        lambda: toxics.describe("web", "x"),
        lambda: toxics.add("x", make_fault({"type": "noop"})),
        lambda: toxics.update("web", "x", change),
        lambda: toxics.remove("web", "x"),
    ):
        with pytest.raises(ApiError, match="not found"):
            attempt()
