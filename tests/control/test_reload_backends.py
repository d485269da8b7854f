"""Reload: backends and pools that stay, come, leave and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from support.reloads import backend_at, pool_of, renamed
from support.world import (
    BACKEND,
    NO_CHECKS,
    OTHER,
    THIRD,
    World,
    finish,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.policy import Admin, State

if TYPE_CHECKING:
    pass

CHECKS = '[pools.app.health]\ninterval = "1h"\ntimeout = "0.5s"\nfall = 1\nrise = 1\n'
BOTH = (BACKEND, OTHER)
ALL = (BACKEND, OTHER, THIRD)


async def test_round_robin_goes_on_where_it_was(autojump_clock: MockClock, world: World) -> None:
    servers = [await world.server(address) for address in ALL]
    balancer = await world.serve(make_config(backends=ALL))
    order = []
    for _ in range(9):
        before = [len(server.streams) for server in servers]
        await finish(await world.client())
        await balancer.reload(make_config(backends=ALL, pool="queue_limit = 5"))
        order.append([len(s.streams) - b for s, b in zip(servers, before, strict=True)].index(1))
    assert order == [0, 1, 2] * 3


async def test_a_removed_backend_gets_nobody_new_and_finishes_who_is_there(
    autojump_clock: MockClock, world: World
) -> None:
    first, second = await world.server(BACKEND), await world.server(OTHER)
    balancer = await world.serve(make_config(backends=BOTH))
    one, other = await world.clients(2)
    await balancer.reload(make_config(backends=(OTHER,)))
    for _ in range(4):
        await finish(await world.client())
    assert (len(first.streams), len(second.streams)) == (1, 5)
    assert pool_of(world).active == 2
    assert [await trade(each) for each in (one, other)] == [b"ping"] * 2
    await finish(one)
    await finish(other)
    assert pool_of(world).active == 0
    assert world.endings() == ["--"] * 6
    world.assert_nothing_is_held()


async def test_a_backend_that_comes_back_goes_on_counting(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    balancer = await world.serve(make_config(backends=BOTH))
    client, _other = await world.clients(2)
    backend = backend_at(world, BACKEND)
    pool_of(world).set_admin(backend, Admin.DRAIN, 0.0)
    await balancer.reload(make_config(backends=(OTHER,)))
    await balancer.reload(make_config(backends=BOTH))
    assert backend_at(world, BACKEND) is backend
    assert (backend.active, backend.leased, backend.state) == (1, 1, State.UP)
    await finish(client)
    assert backend.active == 0


async def test_an_added_backend_is_checked_and_a_removed_one_is_not(
    autojump_clock: MockClock, world: World
) -> None:
    server, _other = await world.server(BACKEND), await world.server(OTHER)
    every_second = CHECKS.replace("1h", "1s")
    balancer = await world.serve(make_config(backends=(BACKEND,), more=every_second))
    await balancer.reload(make_config(backends=(OTHER, THIRD), more=every_second))
    checks = len(server.streams)
    await trio.sleep(10)
    assert len(server.streams) == checks
    assert backend_at(world, OTHER).checks_passed > 8
    assert backend_at(world, THIRD).state is State.DOWN
    (line,) = world.lines("Backend is DOWN")
    assert f"backend={THIRD}" in line


async def test_other_checks_hold_at_once(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    balancer = await world.serve(make_config(more=CHECKS))
    server.stop()
    await trio.sleep(100)
    assert backend_at(world, BACKEND).state is State.UP, "the next check is an hour away"
    await balancer.reload(make_config(more=CHECKS.replace("1h", "2s")))
    await wait_all_tasks_blocked()
    assert backend_at(world, BACKEND).state is State.DOWN


async def test_what_an_operator_has_set_lasts_until_the_file_s_own_value_changes(
    autojump_clock: MockClock, world: World
) -> None:
    def config(weight: int, limit: int, policy: str = "round-robin") -> str:
        return f"""
[[pools.app.backends]]
address = "{BACKEND}"
weight = {weight}
max_connections = {limit}
{NO_CHECKS}"""

    await world.server(BACKEND)
    balancer = await world.serve(make_config(backends=(), more=config(2, 20)))
    backend, pool = backend_at(world, BACKEND), pool_of(world)
    pool.set_weight(backend, 7, 0.0)
    pool.set_max_connections(backend, 3, 0.0)
    pool.set_admin(backend, Admin.MAINTENANCE, 0.0)
    await balancer.reload(make_config(backends=(), pool="queue_limit = 1", more=config(2, 20)))
    assert (backend.weight, backend.max_connections, backend.admin) == (7, 3, Admin.MAINTENANCE)
    await balancer.reload(make_config(backends=(), more=config(5, 20)))
    assert (backend.weight, backend.max_connections, backend.admin) == (5, 3, Admin.MAINTENANCE)
    await balancer.reload(make_config(backends=(), more=config(5, 21)))
    assert (backend.weight, backend.max_connections) == (5, 21)


async def test_the_names_of_new_backends_are_known_before_the_first_client_comes(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(OTHER)
    world.network.names["app.example"] = [OTHER]
    balancer = await world.serve(make_config())
    await balancer.reload(make_config(backends=("app.example:80",)))
    assert await trade(await world.client()) == b"ping"


async def test_a_renamed_pool_loses_nobody(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(more=""))
    client = await world.client()
    await balancer.reload(renamed("app", "shop", make_config(more="")))
    assert list(world.runtime.pools) == ["shop"]
    assert backend_at(world, BACKEND, "shop").checks_passed == 1, "checked before it serves"
    assert await trade(client) == b"ping"
    await finish(await world.client())
    await finish(client)
    assert [record.pool for record in world.records] == ["shop", "app"]


async def test_a_pool_that_comes_back_goes_on_counting(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    pool, client = pool_of(world), await world.client()
    await balancer.reload(renamed("app", "shop", make_config()))
    assert world.balancer.statistics().pools[0].active == 0
    await balancer.reload(make_config())
    assert pool_of(world) is pool
    assert (pool.active, pool.backends[0].leased) == (1, 1)
    await finish(client)
    world.assert_nothing_is_held()


async def test_who_waits_in_a_removed_pool_is_served_there(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    slot = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = 1\n{NO_CHECKS}'
    config = make_config(backends=(), more=slot)
    balancer = await world.serve(config)
    first, second = await world.clients(2)
    await balancer.reload(renamed("app", "shop", config))
    await finish(first)
    assert await trade(second) == b"ping"


async def test_another_policy_keeps_the_counts_and_begins_anew(
    autojump_clock: MockClock, world: World
) -> None:
    servers = [await world.server(address, keep) for address in BOTH]
    balancer = await world.serve(make_config(backends=BOTH))
    await world.clients(3)
    await balancer.reload(make_config(backends=BOTH, pool='policy = "least-connections"'))
    await world.client()
    assert [len(server.streams) for server in servers] == [2, 2]
