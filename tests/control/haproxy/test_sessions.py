from __future__ import annotations

import pytest
import trio
from support.commands import operate
from support.world import BACKEND, FRONT, World
from trio.testing import MockClock

from trio_balancer import parse_config
from trio_balancer.control.haproxy.sessions import find_table, sessions, table_entries, tables
from trio_balancer.wire.address import UnixAddress
from trio_balancer.wire.haproxy_listings import Session, Table
from trio_balancer.wire.haproxy_reply import CommandError

ACCESS = "[listeners.web.access]\nmax_per_client = 5\nmax_clients = 1000\n"


async def test_a_connection(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world, backends=(BACKEND,))
    client = await world.client()
    await trio.sleep(12)
    assert list(sessions(world.balancer, [1, 2])) == [
        Session(
            id=1,
            protocol="tcpv4",
            source=str(client.local_address),
            frontend="web",
            backend="app",
            server=str(BACKEND),
            age=12.0,
        )
    ]


async def test_clients_without_an_address(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = f"""
[listeners.six]
bind = "[fd00::1]:80"
pool = "app"
[listeners.unix]
bind = "unix:/run/web.sock"
pool = "app"
[pools.app]
backends = ["{BACKEND}"]
when_down = "hold"
"""
    await world.serve(parse_config(config))
    listeners = world.balancer.addresses
    for name in ("six", "unix"):
        await world.client(listeners[name][0])  # type: ignore[arg-type]  # a path as well
    found = list(sessions(world.balancer, [1, 2]))
    assert [each.protocol for each in found] == ["tcpv6", "unix_stream"]
    assert found[1].source == "unix:1"
    assert isinstance(listeners["unix"][0], UnixAddress)


async def test_one_that_waits_has_no_server(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world, pool='when_down = "hold"\n')
    await operator.command("disable server app/one; disable server app/two")
    await world.client()
    (waiting,) = sessions(world.balancer, [1])
    assert (waiting.backend, waiting.server, waiting.server_fd) == ("app", None, None)


async def test_a_table_for_each_listener_with_rules(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await operate(world, more=ACCESS, backends=(BACKEND,))
    await world.clients(3)
    assert tables(world.balancer) == [Table("web", "ip", 1000, 1)]
    (entry,) = table_entries(world.balancer, "web")
    first = world.runtime.connections[1].client_address
    assert entry.key == str(first).rpartition(":")[0]
    assert entry.data == {"conn_cur": 3}
    with pytest.raises(CommandError, match="No such table"):
        find_table(world.balancer, "mail")


async def test_no_rules_no_table(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    assert tables(world.balancer) == []
    assert world.balancer.addresses["web"] == (FRONT,)
