from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_effects import Latency, Refuse
from trio_balancer.config.model_faults import Fault, FaultStream, Match
from trio_balancer.testing.toxiproxy.bodies import (
    ProxyChange,
    ToxicChange,
    read_proxies,
    read_proxy,
    read_proxy_change,
    read_toxic,
    read_toxic_change,
)
from trio_balancer.testing.toxiproxy.errors import ApiError

READERS = [read_proxy, read_proxies, read_proxy_change, read_toxic, read_toxic_change]
KEYS = ["name", "upstream", "listen", "enabled", "toxics", "type", "stream", "attributes", "match"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(KEYS),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@given(VALUES)
def test_any_body_is_read_or_refused(value: object) -> None:
    for read in READERS:
        try:
            read(encoded(value))
        except ApiError as error:
            assert error.status in (400, 409)  # noqa: PT017 - no other error is allowed


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for read in READERS:
        try:
            read(body)
        except ApiError as error:
            assert error.status == 400  # noqa: PT017 - no other error is allowed


def test_what_is_not_said_is_not_changed() -> None:
    assert read_proxy_change(b'{"name": "x", "toxics": [1]}') == ProxyChange(None, None, None)
    assert read_toxic_change(b"{}") == ToxicChange({}, None)


def test_a_change_of_everything() -> None:
    change = read_proxy_change(encoded({"listen": ":1", "upstream": "a:1,a:2", "enabled": False}))
    assert (change.listen, change.enabled) == (":1", False)
    assert [each.name for each in change.backends or ()] == ["a:1", "a:2"]


def test_a_toxic_with_everything() -> None:
    toxic = read_toxic(
        encoded(
            {
                "name": "slow",
                "type": "latency",
                "stream": "UPSTREAM",
                "toxicity": 0.5,
                "attributes": {"latency": 5},
                "match": {"first": 3},
            }
        )
    )
    assert (toxic.name, toxic.stream, toxic.toxicity) == ("slow", FaultStream.UPSTREAM, 0.5)
    assert (toxic.effect, toxic.match) == (Latency(latency=5), Match(first=3))


def test_keys_are_in_any_case_and_null_is_nothing() -> None:
    # As the client for .NET writes them.
    toxic = {
        "Attributes": {"Latency": 5, "Jitter": None},
        "Name": None,
        "Stream": "DownStream",
        "Toxicity": None,
        "Type": "latency",
    }
    assert read_toxic(encoded(toxic)) == Fault("latency_downstream", Latency(latency=5))
    assert read_toxic_change(encoded(toxic)) == ToxicChange({"latency": 5}, None)
    proxy = {"Name": "redis", "Listen": None, "Upstream": "localhost:1", "Enabled": False}
    wish = read_proxy(encoded(proxy))
    assert (wish.name, wish.listen, wish.enabled) == ("redis", "", False)
    assert read_proxies(encoded([proxy])) == [wish]
    change = read_proxy_change(encoded(proxy))
    assert change == ProxyChange(None, wish.backends, enabled=False)


def test_clients_name_a_stream_also_where_there_is_none() -> None:
    assert read_toxic(b'{"type": "refuse", "stream": "downstream"}').effect == Refuse()
