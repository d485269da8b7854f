from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from support.reloads import pool_of
from support.world import BACKEND, World, finish, make_config

from trio_balancer.control.house import MOST_DEPARTED, House
from trio_balancer.policy import Admin, Lease
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio.testing import MockClock

CLIENT = inet_address("198.51.100.7", 1234)


def house_of(world: World) -> House:
    return world.balancer._house


async def test_a_pool_that_comes_back_knows_nothing_of_its_backends(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    house, pool, client = house_of(world), pool_of(world), await world.client()
    pool.set_admin(pool.backends[0], Admin.DRAIN, trio.current_time())
    house.retire_pool("app")
    assert house.runtime.departed == {"app": pool}
    assert house.found_pool(pool.config, {}) is pool
    assert house.runtime.departed == {}
    (backend,) = pool.backends
    assert (backend.admin, backend.active, pool.active) == (Admin.READY, 1, 1)
    await finish(client)
    assert pool.active == 0


async def test_pools_that_left_long_ago_are_forgotten_without_connections(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config())
    house, config = house_of(world), pool_of(world).config
    lease = pool_of(world).lease(CLIENT, 0.0)
    assert isinstance(lease, Lease)
    for number in range(MOST_DEPARTED + 3):
        name = "app" if number == 0 else f"p{number}"
        house.runtime.pools[name] = house.runtime.pools.get(name) or house.make_pool(config)
        house.retire_pool(name)
    assert len(house.runtime.departed) == MOST_DEPARTED + 1
    assert "app" in house.runtime.departed
    assert "p1" not in house.runtime.departed
