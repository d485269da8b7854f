from __future__ import annotations

import pytest
from support.api_client import ApiClient

from trio_balancer.flow.bind import BindError
from trio_balancer.testing.toxiproxy import open_toxiproxy
from trio_balancer.testing.toxiproxy.proxies import Proxies


async def test_an_address_in_use_is_told() -> None:
    async with open_toxiproxy() as toxiproxy:
        with pytest.raises(BindError, match=rf"cannot bind {toxiproxy.url}: Address already"):
            async with open_toxiproxy(port=toxiproxy.port):
                pass


async def test_a_bug_ends_one_call_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(_proxies: Proxies) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Proxies, "reset", break_down)
    async with open_toxiproxy() as toxiproxy:
        api = ApiClient.of(toxiproxy)
        reply = await api.ask("POST", "/reset")
        assert (reply.status, reply.json["status"]) == (500, 500)
        assert (await api.ask("GET", "/version")).status == 200
