"""Who is still there although a reload has removed where they came in, or where they went."""

from __future__ import annotations

import attrs
from support.reloads import renamed
from support.world import BACKEND, OTHER, World, finish, keep, make_config
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.control.leaving import leaving_json


async def test_nobody_leaves_where_nothing_was_removed(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    await world.clients(1)
    assert leaving_json(balancer) == []


async def test_a_removed_backend_is_there_until_its_last_connection_ends(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    balancer = await world.serve(make_config(backends=(BACKEND, OTHER)))
    clients = await world.clients(4)
    await balancer.reload(make_config(backends=(OTHER,)))
    (told,) = leaving_json(balancer)
    assert told == {
        "what": "backend",
        "name": str(BACKEND),
        "pool": "app",
        "address": str(BACKEND),
        "active": 2,
    }
    for client in clients:
        await finish(client)
    assert leaving_json(balancer) == []


async def test_a_removed_pool_and_a_removed_listener(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    config = make_config()
    balancer = await world.serve(config)
    await world.clients(3)
    other = renamed("web", "side", renamed("app", "shop", config))
    await balancer.reload(other)
    await wait_all_tasks_blocked()
    listener, backend = leaving_json(balancer)
    assert (listener["what"], listener["name"], listener["active"]) == ("listener", "web", 3)
    assert (backend["what"], backend["pool"], backend["active"]) == ("backend", "app", 3)
    # A listener that has come back has them all in its own row.
    web = attrs.evolve(config.listeners["web"], pool="shop")
    await balancer.reload(attrs.evolve(other, listeners={"web": web}))
    assert [each["what"] for each in leaving_json(balancer)] == ["backend"]
    assert balancer.gates["web"].listener.active == 3
