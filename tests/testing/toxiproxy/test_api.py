from __future__ import annotations

import pytest
import trio
from support.api_client import ApiClient

from trio_balancer.testing.toxiproxy import api as api_module
from trio_balancer.testing.toxiproxy import open_toxiproxy
from trio_balancer.testing.toxiproxy.proxies import Proxies


async def test_names_are_unquoted_and_queries_ignored() -> None:
    async with open_toxiproxy() as toxiproxy:
        api = ApiClient.of(toxiproxy)
        await api.ask("POST", "/proxies", {"name": "größe%", "upstream": "localhost:1"})
        reply = await api.ask("GET", "/proxies/gr%C3%B6%C3%9Fe%25?pretty=1")
        assert (reply.status, reply.json["name"]) == (200, "größe%")


async def test_a_call_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_proxies: Proxies, _name: str) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(Proxies, "delete", hang)
    monkeypatch.setattr(api_module, "PATIENCE", 0.01)
    async with open_toxiproxy() as toxiproxy:
        reply = await ApiClient.of(toxiproxy).ask("DELETE", "/proxies/a")
    assert (reply.status, reply.json["error"]) == (503, "no answer within 0.01 s")
