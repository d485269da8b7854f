from __future__ import annotations

import errno
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from unittest.mock import Mock

import attrs
import pytest
import trio
from support.api_client import ApiClient

from trio_balancer import Balancer, parse_config
from trio_balancer.config.model import Config
from trio_balancer.flow.bind import BindError
from trio_balancer.testing.toxiproxy import Toxiproxy, open_toxiproxy
from trio_balancer.testing.toxiproxy.errors import ApiError
from trio_balancer.testing.toxiproxy.open_toxiproxy import NOBODY
from trio_balancer.testing.toxiproxy.proxies import Proxies, _with_other, _without

FILE = """
[balancer]
faults = true

[listeners.web]
bind = "127.0.0.1:0"
pool = "app"

[pools.app]
health.type = "none"

[[pools.app.backends]]
name = "heavy"
address = "127.0.0.1:1"
weight = 5
"""
ROUTES = """
[listeners.tls]
bind = "127.0.0.1:0"
routes = [{ sni = ["a.example"], pool = "app" }]
"""


@attrs.frozen
class Site:
    """A server with one proxy "echo", and somebody behind it who echoes."""

    toxiproxy: Toxiproxy
    api: ApiClient
    upstream: str
    #: Closed in the end.
    streams: list[trio.SocketStream] = attrs.Factory(list)

    async def connect(self, proxy: str = "echo") -> trio.SocketStream:
        listen = (await self.api.ask("GET", f"/proxies/{proxy}")).json["listen"]
        host, port = listen.split(":")
        self.streams.append(await trio.open_tcp_stream(host, int(port)))
        return self.streams[-1]

    async def change(self, **fields: object) -> None:
        reply = await self.api.ask("POST", "/proxies/echo", fields)
        assert reply.status == 200


async def echo(stream: trio.SocketStream) -> None:
    try:
        async for data in stream:
            await stream.send_all(data)
    except trio.BrokenResourceError:
        return


async def said(stream: trio.SocketStream, text: bytes = b"hello") -> bytes:
    await stream.send_all(text)
    return bytes(await stream.receive_some(100))


@asynccontextmanager
async def site(config: str | None = None) -> AsyncIterator[Site]:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, echo, 0)
        upstream = f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        async with open_toxiproxy(config) as toxiproxy:
            api = ApiClient.of(toxiproxy)
            if config is None:
                await api.ask("POST", "/proxies", {"name": "echo", "upstream": upstream})
            here = Site(toxiproxy, api, upstream)
            try:
                yield here
            finally:
                for stream in here.streams:
                    await trio.aclose_forcefully(stream)
        nursery.cancel_scope.cancel()


async def test_a_disabled_proxy_refuses_and_keeps_its_port() -> None:
    async with site() as here:
        client = await here.connect()
        assert await said(client) == b"hello"
        await here.change(enabled=False)
        assert await client.receive_some(1) == b""
        with pytest.raises(OSError, match="all attempts to connect"):
            await here.connect()
        listen = (await here.api.ask("GET", "/proxies/echo")).json["listen"]
        with pytest.raises(OSError, match="in use"):
            await trio.open_tcp_listeners(int(listen.split(":")[1]), host="127.0.0.1")
        await here.change(enabled=True)
        assert await said(await here.connect()) == b"hello"


async def test_a_proxy_that_is_created_disabled_lets_nobody_in() -> None:
    async with site() as here:
        wish = {"name": "off", "upstream": here.upstream, "enabled": False}
        await here.api.ask("POST", "/proxies", wish)
        with pytest.raises(OSError, match="all attempts to connect"):
            await here.connect("off")


async def test_it_accepts_although_nobody_is_behind_it() -> None:
    async with site() as here:
        await here.api.ask("POST", "/proxies", {"name": "dead", "upstream": "127.0.0.1:1"})
        client = await here.connect("dead")
        assert await client.receive_some(1) == b""


@pytest.mark.parametrize("field", ["listen", "upstream"])
async def test_another_address_ends_connections(field: str) -> None:
    async with site() as here:
        client = await here.connect()
        assert await said(client) == b"hello"
        # All of 127.0.0.0/8 is this machine: whoever echoes listens there too.
        other = {"listen": "127.0.0.2:0", "upstream": here.upstream.replace("0.0.1", "0.0.3")}
        await here.change(**{field: other[field]})
        assert await client.receive_some(1) == b""
        assert await said(await here.connect()) == b"hello"


async def test_connections_of_other_proxies_stay() -> None:
    async with site() as here:
        await here.api.ask("POST", "/proxies", {"name": "other", "upstream": here.upstream})
        client = await here.connect()
        assert await said(client) == b"hello"
        await here.api.ask("DELETE", "/proxies/other")
        assert await said(client) == b"hello"


async def test_of_two_who_delete_or_change_a_proxy_one_is_late() -> None:
    async with site() as here:
        replies: list[int] = []

        async def ask(method: str, body: object) -> None:
            replies.append((await here.api.ask(method, "/proxies/echo", body)).status)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask, "DELETE", b"")
                nursery.start_soon(ask, "POST", {"upstream": "127.0.0.1:1"})
        assert replies.count(204) == 1
        assert set(replies) <= {200, 204, 404}


async def test_nothing_new_ends_no_connection() -> None:
    async with site() as here:
        client = await here.connect()
        assert await said(client) == b"hello"
        whole = (await here.api.ask("GET", "/proxies/echo")).json
        await here.change(**whole)
        await here.api.ask("POST", "/populate", [whole, {**whole, "listen": "localhost:0"}])
        assert await said(client) == b"hello"


async def test_a_deleted_proxy_ends_its_connections() -> None:
    async with site() as here:
        client = await here.connect()
        assert await said(client) == b"hello"
        await here.api.ask("DELETE", "/proxies/echo")
        assert await client.receive_some(1) == b""


async def test_several_upstreams_take_turns() -> None:
    async with site() as here:
        both = f"{here.upstream},{here.upstream.replace('0.0.1', '0.0.2')}"
        await here.change(upstream=both)
        for _ in range(4):
            assert await said(await here.connect()) == b"hello"
        here.toxiproxy.balancer.assert_distribution(dict.fromkeys(both.split(","), 2))


async def test_a_toxic_works_on_a_live_connection_and_on_no_other_proxy() -> None:
    async with site() as here:
        await here.api.ask("POST", "/proxies", {"name": "other", "upstream": here.upstream})
        slow, fast = await here.connect(), await here.connect("other")
        assert (await said(slow), await said(fast)) == (b"hello", b"hello")
        toxic = {"type": "latency", "attributes": {"latency": 100}}
        await here.api.ask("POST", "/proxies/echo/toxics", toxic)
        started = trio.current_time()
        assert await said(fast) == b"hello"
        assert trio.current_time() - started < 0.1
        started = trio.current_time()
        assert await said(slow) == b"hello"
        assert trio.current_time() - started >= 0.1


async def test_toxics_of_a_new_proxy_meet_its_first_client() -> None:
    async with site() as here:
        limit = {"type": "limit_data", "attributes": {"bytes": 3}}
        wish = {"name": "short", "upstream": here.upstream, "toxics": [limit]}
        await here.api.ask("POST", "/proxies", wish)
        assert await said(await here.connect("short")) == b"hel"


async def test_listeners_of_the_file_are_proxies_too() -> None:
    async with site(FILE) as here:
        told = (await here.api.ask("GET", "/proxies/web")).json
        assert told["upstream"] == "127.0.0.1:1"
        both = f"{here.upstream},127.0.0.1:1"
        changed = await here.api.ask("POST", "/proxies/web", {"upstream": both})
        assert changed.json == {**told, "upstream": both}
        heavy = here.toxiproxy.balancer.backend("heavy")
        assert str(heavy.address) == "127.0.0.1:1"
        assert {await said(await here.connect("web"))} == {b"hello"}


async def test_a_name_of_a_pool_is_taken() -> None:
    async with site(FILE) as here:
        reply = await here.api.ask("POST", "/proxies", {"name": "app", "upstream": "a:1"})
        assert (reply.status, reply.json["error"]) == (409, "proxy already exists")


async def test_a_pool_of_the_file_survives_its_listener() -> None:
    async with site(FILE) as here:
        assert (await here.api.ask("DELETE", "/proxies/web")).status == 204
        assert [each.pool for each in here.toxiproxy.balancer.backends] == ["app"]


async def test_routes_have_no_upstream_to_change() -> None:
    async with site(FILE + ROUTES) as here:
        assert (await here.api.ask("GET", "/proxies/tls")).json["upstream"] == ""
        reply = await here.api.ask("POST", "/proxies/tls", {"upstream": "a:1"})
        assert reply.status == 400
        assert "routes" in reply.json["error"]


def running(toxiproxy: Toxiproxy) -> Balancer:
    return toxiproxy.balancer._runner.balancer


WEB2 = '[listeners.web2]\nbind = "127.0.0.1:0"\npool = "app"\n'


def file_of(balancer: Balancer, text: str = FILE) -> Config:
    """Read a file, as for a reload."""
    return attrs.evolve(parse_config(text), log=balancer.config.log)


async def test_proxies_survive_a_reload_unless_the_file_has_their_name() -> None:
    async with site(FILE) as here:
        balancer = running(here.toxiproxy)
        proxies = Proxies(balancer)
        for name in ("mine", "web2"):
            wish = {"name": name, "upstream": "127.0.0.1:1"}
            assert (await here.api.ask("POST", "/proxies", wish)).status == 201
        before = proxies.describe("mine")
        await balancer.reload(proxies.add_to(file_of(balancer, FILE + WEB2)))
        assert proxies.describe("mine") == before
        assert balancer.config.listeners["web2"].pool == "app"
        assert balancer.gates.keys() == {"web", "web2", "mine"}
        # It is the file's now, in all that it does, and goes with it.
        client = await here.connect("web2")
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some(1)
        await balancer.reload(proxies.add_to(file_of(balancer)))
        assert balancer.gates.keys() == {"web", "mine"}
        await proxies.delete("mine")
        assert proxies.add_to(file_of(balancer)) == file_of(balancer)


async def test_a_reload_that_fails_takes_no_proxy_away() -> None:
    async with site(FILE) as here:
        balancer = running(here.toxiproxy)
        proxies = Proxies(balancer)
        wish = {"name": "web2", "upstream": "127.0.0.1:1"}
        made = await here.api.ask("POST", "/proxies", wish)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            file = file_of(balancer, FILE + WEB2.replace(":0", f":{port}"))
            with pytest.raises(BindError):
                await balancer.reload(proxies.add_to(file))
        await balancer.reload(proxies.add_to(file_of(balancer)))
        assert proxies.describe("web2") == made.json


async def test_other_trouble_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with site(FILE) as here:
        monkeypatch.setattr(Balancer, "amend", fail)
        reply = await here.api.ask("DELETE", "/proxies/web")
        assert (reply.status, reply.json["error"]) == (500, "No space left on device")


def test_a_proxy_that_went_meanwhile_is_no_more() -> None:
    for change in (_without, partial(_with_other, bind=None, backends=None)):
        with pytest.raises(ApiError, match="proxy not found"):
            change(NOBODY, name="gone")


async def test_a_balancer_that_is_stopping_changes_no_more() -> None:
    async with open_toxiproxy(FILE) as toxiproxy:
        client = ApiClient.of(toxiproxy)
        async with await trio.open_tcp_stream(*toxiproxy.balancer.address):
            await toxiproxy.balancer.wait(lambda lb: lb.statistics().active)
            running(toxiproxy).drain(math.inf)
            reply = await client.ask("DELETE", "/proxies/web")
            assert reply.status == 500
            assert "stopping" in reply.json["error"]


def test_nothing_is_broken_by_accident() -> None:
    with pytest.raises(ValueError, match="without faults"):
        Proxies(Mock(faults=None))
