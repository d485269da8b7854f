from __future__ import annotations

import pytest
import trio
from support.api_client import ApiClient

from trio_balancer.flow.bind import BindError
from trio_balancer.testing.toxiproxy import open_toxiproxy, server
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


async def test_a_bug_ends_one_conversation_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*_: object) -> None:
        raise RuntimeError("a bug")

    async with open_toxiproxy() as toxiproxy:
        with monkeypatch.context() as patch:
            patch.setattr(server, "converse", break_down)
            async with await trio.open_tcp_stream(toxiproxy.host, toxiproxy.port) as stream:
                assert await stream.receive_some() == b""
        assert (await ApiClient.of(toxiproxy).ask("GET", "/version")).status == 200
