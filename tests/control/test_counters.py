from __future__ import annotations

from support.commands import operate
from support.world import BACKEND, OTHER, World, finish, trade
from trio.testing import MockClock

from trio_balancer.control.counters import clear_all, clear_peaks


async def busy(world: World) -> None:
    """Have four connections, two of which have ended."""
    await world.server(BACKEND)
    await world.server(OTHER)
    await operate(world)
    clients = await world.clients(4)
    for client in clients[:2]:
        await trade(client, b"12345")
        await finish(client)


async def test_peaks_begin_at_what_is_there(autojump_clock: MockClock, world: World) -> None:
    await busy(world)
    before = world.balancer.statistics()
    assert (before.traffic.peak, before.listeners[0].traffic.peak) == (4, 4)
    clear_peaks(world.balancer)
    after = world.balancer.statistics()
    assert (after.traffic.peak, after.traffic.rate_max) == (2, 0)
    assert after.pool_traffic["app"].whole.peak == 2
    assert sum(each.peak_active for each in after.pools[0].backends) == 2
    assert (after.traffic.accepted, after.traffic.bytes_up) == (4, 10)


async def test_everything_begins_anew(autojump_clock: MockClock, world: World) -> None:
    await busy(world)
    clear_all(world.balancer)
    after = world.balancer.statistics()
    assert (after.traffic.accepted, after.traffic.endings, after.traffic.bytes_up) == (0, {}, 0)
    assert after.listeners[0].traffic == after.traffic
    assert after.pool_traffic["app"].whole.chosen == 0
    assert [each.leased for each in after.pools[0].backends] == [0, 0]
    assert (after.active, after.pools[0].active) == (2, 2)
    for client in world.peers[2:]:
        await finish(client)
    assert world.balancer.statistics().traffic.endings == {"--": 2}
    world.assert_nothing_is_held()
