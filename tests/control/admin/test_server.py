from __future__ import annotations

import errno
from typing import NoReturn

import attrs
import httpx
import pytest
import trio
from support.admin import LOCAL, TOKEN, Site, open_site
from support.eventually import eventually
from support.world import FRONT, OPTIONS, trade
from trio.testing import MockClock

from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin import server
from trio_balancer.control.admin.history import History
from trio_balancer.control.admin.server import bind_admin
from trio_balancer.flow.bind import BindError
from trio_balancer.wire.address import InetAddress, inet_address


async def healthz(site: Site) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{site.url}/healthz")).status_code


async def test_binds_every_address() -> None:
    bound = await bind_admin(
        AdminConfig((inet_address("127.0.0.1", 0), inet_address("127.0.0.2", 0)))
    )
    assert [str(address).split(":")[0] for address in bound.addresses] == [
        "127.0.0.1",
        "127.0.0.2",
    ]
    bound.close()
    bound.close()


async def test_binds_every_address_or_none() -> None:
    taken = await bind_admin(LOCAL)
    (address,) = taken.addresses
    assert isinstance(address, InetAddress)
    free = inet_address("127.0.0.2", address.port)
    with pytest.raises(BindError, match=r"\[admin\] cannot bind 127.0.0.1:.*in use") as caught:
        await bind_admin(AdminConfig((free, address)))
    assert caught.value.errno == errno.EADDRINUSE
    # The free one was let go, so that it can be bound once more.
    (await bind_admin(AdminConfig((free,)))).close()
    taken.close()


async def test_its_sockets_do_not_mix_with_a_clock_that_jumps(mock_clock: MockClock) -> None:
    with pytest.raises(RuntimeError, match="do not know of a MockClock"):
        await bind_admin(AdminConfig((inet_address("127.0.0.1", 0),)))


async def test_says_where_it_listens() -> None:
    async with open_site() as site:
        await healthz(site)
        (line,) = site.world.lines("Admin server listening")
        assert f"address=127.0.0.1:{site.port}" in line


async def test_answers_while_the_balancer_drains() -> None:
    async with open_site() as site, httpx.AsyncClient(base_url=site.url) as asking:
        await site.world.server()
        client = await site.world.network.connect(FRONT, options=OPTIONS)
        assert await trade(client) == b"ping"
        assert (await asking.get("/readyz")).status_code == 200
        answer = await asking.post("/api/drain", json={})
        assert answer.status_code == 200
        assert (await asking.get("/readyz")).status_code == 503
        assert (await asking.get("/api/status")).json()["connections"]["active"] == 1
        client.close()


async def test_stopped_it_leaves_nothing_behind() -> None:
    async with open_site() as site:
        await healthz(site)
        observers = site.world.runtime.observers
    # Those of events and of histograms are gone.
    assert len(site.world.runtime.observers) == len(observers) - 2
    with pytest.raises(OSError, match="all attempts to connect"):
        await trio.open_tcp_stream("127.0.0.1", site.port)


async def test_a_reload_changes_token_and_hosts() -> None:
    async with open_site() as site, httpx.AsyncClient(base_url=site.url) as asking:
        assert (await asking.get("/api/status")).status_code == 200
        admin = AdminConfig(LOCAL.bind, token=TOKEN, hosts=("lb.example.com",))
        balancer = site.operations.balancer
        balancer.config = attrs.evolve(balancer.config, admin=admin)
        assert (await asking.get("/api/status")).status_code == 401
        headers = {"Authorization": f"Bearer {TOKEN}", "Host": "lb.example.com"}
        assert (await asking.get("/api/status", headers=headers)).status_code == 200


async def test_a_bug_in_the_server_itself_stays_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: History) -> NoReturn:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(server, "PAUSE", 0.0)
    monkeypatch.setattr(History, "take", broken)
    async with open_site() as site:
        await eventually(lambda: len(site.world.lines("Admin server listening")) == 2)
        assert await healthz(site) == 200
        (line,) = site.world.lines("The admin server has a bug")
        assert "ZeroDivisionError" in line
