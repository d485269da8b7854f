from __future__ import annotations

import sys

import pytest
import trio
from support import sample_server
from support.eventually import eventually
from support.harness_site import Site
from support.world import BACKEND, OTHER, THIRD, World, trade
from trio.testing import MockClock

from trio_balancer.policy import State
from trio_balancer.testing import MemoryNetwork, ServerError, open_balancer
from trio_balancer.wire.address import inet_address

FOURTH = inet_address("10.0.1.4", 80)
COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]
TWO_POOLS = """
[listeners.web]
bind = "10.0.0.1:80"
pool = "one"
[pools.one]
backends = ["10.0.1.1:80", "10.0.1.2:80"]
health = { type = "none" }
[pools.two]
backends = ["10.0.1.1:80"]
health = { type = "none" }
"""


async def test_a_backend_is_its_place_its_name_or_its_address(
    autojump_clock: MockClock, site: Site
) -> None:
    lb = site.lb
    found = [lb.backend(1), lb.backend("10.0.1.2:80"), lb.backend(("10.0.1.2", 80))]
    assert {each.name for each in found} == {str(OTHER)}
    assert len(set(found)) == 1
    assert [each.name for each in lb.backends] == [str(BACKEND), str(OTHER), str(THIRD)]
    with pytest.raises(LookupError, match=r"no backend is 'x'; there are: 10\.0\.1\.1:80, "):
        lb.backend("x")
    assert lb.backend(-1).name == str(THIRD)
    for place in (3, -4):
        with pytest.raises(LookupError, match=f"no backend is {place}; there are: 10"):
            lb.backend(place)


async def test_a_pool_must_be_told_where_several_have_the_backend(
    autojump_clock: MockClock,
) -> None:
    async with open_balancer(TWO_POOLS, network=MemoryNetwork()) as lb:
        assert lb.backend(str(OTHER)).pool == "one"
        with pytest.raises(LookupError, match="several pools"):
            lb.backend(str(BACKEND))
        assert lb.backend(str(BACKEND), pool="two").pool == "two"
        assert len(lb.backends) == 3
        with pytest.raises(LookupError, match="which pool"):
            lb.backend(0, pool="three")
        with pytest.raises(LookupError, match="which pool"):
            await lb.add_backend(FOURTH)
        added = await lb.add_backend(FOURTH, pool="two")
        assert added.pool == "two"


async def test_added_a_backend_takes_part(autojump_clock: MockClock, site: Site) -> None:
    await site.world.server(FOURTH)
    added = await site.lb.add_backend(FOURTH, name="late")
    assert site.lb.backend("late") is added
    for _ in range(4):
        await trade(await site.client())
    site.lb.assert_distribution({0: 1, 1: 1, 2: 1, "late": 1})
    with pytest.raises(ValueError, match="named 'late' already"):
        await site.lb.add_backend("10.0.1.5:80", name="late")


async def test_added_a_backend_is_checked_where_there_are_checks(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    changes = ["pools.app.health.type=tcp", "pools.app.health.fall=1"]
    async with open_balancer([BACKEND], network=world.network, overrides=changes) as lb:
        added = await lb.add_backend(OTHER)
        assert added.state is State.DOWN
        await world.server(OTHER)
        await lb.wait(lambda _lb: added.state is State.UP)


async def test_retargeted_to_a_name_it_is_looked_up_once(
    autojump_clock: MockClock, site: Site
) -> None:
    site.world.network.names["new.example"] = [THIRD]
    await site.lb.retarget(0, "new.example:80")
    assert site.lb.backend(0).address == THIRD
    await site.lb.retarget(0, OTHER)
    assert site.lb.backend(0).address == OTHER
    with pytest.raises(OSError, match="not known"):
        await site.lb.retarget(0, "nobody.example:80")


# Real servers


async def test_spawned_servers_serve_and_are_gone_in_the_end() -> None:
    async with open_balancer() as lb:
        servers = await lb.spawn(COMMAND, instances=3)
        assert [server.name for server in servers] == ["server-1", "server-2", "server-3"]
        assert lb.backend("server-2") is servers[1]
        pids = set()
        for _ in range(6):
            async with await trio.open_tcp_stream(*lb.address) as client:
                pids.add(int(await client.receive_some()))
        assert len(pids) == 3
        lb.assert_distribution({server.name: 2 for server in servers})
        [another] = await lb.spawn(" ".join(COMMAND), name="more")
        assert another.name == "more-4"
    for server in servers:
        assert not server.running
        with pytest.raises(OSError, match="failed"):
            await trio.open_tcp_stream("127.0.0.1", server._process.port)


async def test_one_that_fails_takes_the_others_along() -> None:
    async with open_balancer() as lb:
        with pytest.raises(ServerError, match="Address already in use"):
            await lb.spawn([*COMMAND, "busy"], instances=2)
        assert lb.backends == ()
        await eventually(lambda: not any(server.running for server in lb._backends.servers))


async def test_real_servers_need_a_real_network(autojump_clock: MockClock, site: Site) -> None:
    with pytest.raises(RuntimeError, match="network in memory"):
        await site.lb.spawn(COMMAND)
