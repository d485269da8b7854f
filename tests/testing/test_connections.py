from __future__ import annotations

from support.harness_site import Site
from support.world import BACKEND, finish, trade
from trio.testing import MockClock


async def test_a_live_connection_and_what_becomes_of_it(
    autojump_clock: MockClock, site: Site
) -> None:
    client = await site.client()
    await trade(client, b"four")
    [live] = site.lb.connections
    assert live.live
    assert live.ending is None
    assert (live.number, live.listener, live.pool) == (1, "front", "app")
    assert live.client == client.local_address
    assert live.backend == live.backend_address == str(BACKEND)
    assert (live.bytes_up, live.bytes_down) == (4, 4)
    await finish(client)
    [finished] = site.lb.connections
    assert not finished.live
    assert (finished.ending, finished.reason) == ("--", "")
    assert finished.closed_first == "client"
    assert (finished.number, finished.client) == (1, live.client)
    assert finished.backend_address == str(BACKEND)
    assert (finished.bytes_up, finished.bytes_down, finished.attempts) == (4, 4, 1)


async def test_one_that_never_reached_a_backend(autojump_clock: MockClock, site: Site) -> None:
    for server in site.servers:
        server.stop()
    await site.client()
    [refused] = site.lb.connections
    assert refused.ending == "SC"
    assert "Connection refused" in refused.reason
    assert refused.backend is not None
    assert refused.backend_address is None
    assert refused.attempts == 3


async def test_one_that_is_still_dialling(autojump_clock: MockClock, site: Site) -> None:
    site.world.network.blackhole(BACKEND)
    await site.client()
    [dialling] = site.lb.connections
    assert (dialling.live, dialling.backend, dialling.backend_address) == (True, str(BACKEND), None)
    assert dialling.bytes_up == 0


async def test_they_stand_in_the_order_of_their_arrival(
    autojump_clock: MockClock, site: Site
) -> None:
    first, second, third = [await site.client() for _ in range(3)]
    await finish(second)
    await finish(first)
    assert [each.number for each in site.lb.connections] == [1, 2, 3]
    assert [each.live for each in site.lb.connections] == [False, False, True]
    third.close()
