from __future__ import annotations

import pytest
from support.api_client import ApiClient
from support.servers import echo_server
from trio.testing import MockClock

from trio_balancer import BindError, ConfigError
from trio_balancer.testing import Harness, MemoryNetwork, open_balancer
from trio_balancer.testing.toxiproxy import extra

LATENCY = {"type": "latency", "attributes": {"latency": 1000}}


def changes(lb: Harness) -> list[tuple[str, str]]:
    """List what became of faults."""
    return [(e.kind, e.detail) for e in lb.events if e.kind.startswith("fault ")]


async def test_the_balancers_listeners_are_proxies_and_the_timeline_tells_of_toxics() -> None:
    place = "latency_downstream on listeners.front"
    with echo_server() as port:
        async with open_balancer([("127.0.0.1", port)]) as lb:
            address = await lb.serve_toxiproxy()
            assert address.url == f"http://127.0.0.1:{address.port}"
            api, toxics = ApiClient(address.host, address.port), "/proxies/front/toxics"
            assert (await api.ask("POST", toxics, LATENCY)).status == 200
            wish = {"attributes": {"jitter": 5}}
            await api.ask("PATCH", f"{toxics}/latency_downstream", wish)
            await api.ask("DELETE", f"{toxics}/latency_downstream")
            assert changes(lb) == [
                ("fault added", f"{place}: latency(latency=1000, jitter=0) downstream"),
                ("fault changed", f"{place}: latency(latency=1000, jitter=5) downstream"),
                ("fault removed", place),
            ]


async def test_what_clients_see_is_what_the_test_has_done() -> None:
    async with open_balancer(["127.0.0.1:1"]) as lb:
        address = await lb.serve_toxiproxy()
        api = ApiClient(address.host, address.port)
        with lb.fault("stall"):
            [toxic] = (await api.ask("GET", "/proxies/front/toxics")).json
            assert toxic["type"] == "stall"
            assert (await api.ask("POST", "/reset")).status == 204
        assert [kind for kind, _ in changes(lb)] == ["fault added", "fault removed"]


async def test_an_address_that_cannot_be_bound() -> None:
    async with open_balancer() as lb:
        with pytest.raises(BindError, match="the Toxiproxy API cannot bind"):
            await lb.serve_toxiproxy(port=lb.address[1])


async def test_what_it_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "PACKAGE", "no_such_package")
    async with open_balancer() as lb:
        with pytest.raises(ConfigError, match="pip install"):
            await lb.serve_toxiproxy()


async def test_its_clients_have_no_clock_that_jumps(autojump_clock: MockClock) -> None:
    async with open_balancer(network=MemoryNetwork()) as lb:
        with pytest.raises(RuntimeError, match="real sockets do not know of a MockClock"):
            await lb.serve_toxiproxy()
