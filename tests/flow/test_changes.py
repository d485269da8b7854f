from __future__ import annotations

import trio
from support.reloads import renamed
from support.world import BACKEND, NO_CHECKS, OTHER, World, is_reset, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.policy import Admin

BOTH = (BACKEND, OTHER)
CHECKS = '[pools.app.health]\ninterval = "1s"\nfall = 1\nrise = 1\n'
DROP = "drop_when_down = true"


async def test_a_change_is_one_line_that_says_why(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(backends=BOTH, more=CHECKS))
    server.stop()
    await trio.sleep(10)
    (down,) = world.lines("Backend is DOWN")
    for part in ("warning", str(BACKEND), "app", "Connection refused", "1/2", "up"):
        assert part in down
    await server.start()
    await trio.sleep(10)
    (up,) = world.lines("Backend is UP")
    assert "passed its checks" in up
    assert "2/2" in up
    assert not world.lines("No backend of the pool is up")


async def test_the_last_one_down_is_an_error_of_its_own(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(make_config(more=CHECKS))
    server.stop()
    await trio.sleep(10)
    (line,) = world.lines("No backend of the pool is up")
    assert "error" in line


async def test_who_comes_back_into_nothing_is_no_error(
    autojump_clock: MockClock, world: World
) -> None:
    """A backend in drain that then goes into maintenance was not up before."""
    await world.server(BACKEND)
    await world.serve(make_config())
    pool = world.runtime.pools["app"]
    pool.set_admin(pool.backends[0], Admin.DRAIN, trio.current_time())
    pool.set_admin(pool.backends[0], Admin.MAINTENANCE, trio.current_time())
    assert len(world.lines("No backend of the pool is up")) == 1
    assert len(world.lines("Backend is MAINTENANCE")) == 1


async def test_connections_outlive_their_backends_health(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(make_config(more=CHECKS))
    client = await world.client()
    server.stop()
    await trio.sleep(10)
    assert world.lines("Backend is DOWN")
    assert await trade(client) == b"ping"


async def test_drop_when_down_ends_them_with_dd(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(backends=BOTH, pool=DROP, more=CHECKS))
    dropped, kept = await world.clients(2)
    await trade(dropped)
    server.stop()
    await trio.sleep(10)
    assert await is_reset(dropped)
    assert world.endings() == ["DD"]
    assert world.records[0].reason == f"{BACKEND} went down"
    assert await trade(kept) == b"ping"


async def test_drop_when_down_leaves_who_still_dials_its_other_backends(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(OTHER)
    world.network.blackhole(BACKEND)
    await world.serve(
        make_config(backends=BOTH, pool=f'{DROP}\nconnect_timeout = "4s"', more=CHECKS)
    )
    # The first round of checks has found it silent: let it be up as far as clients know.
    world.network.heal(BACKEND)
    server = await world.server(BACKEND)
    await trio.sleep(2)
    world.network.blackhole(BACKEND)
    clients = await world.clients(2)
    await trio.sleep(3)
    assert len(world.lines("Backend is DOWN")) == 2
    assert world.records == []
    assert [await trade(client) for client in clients] == [b"ping"] * 2
    assert trio.current_time() < 8
    server.stop()


async def test_the_dial_that_ejects_a_backend_goes_on_to_another(
    autojump_clock: MockClock, world: World
) -> None:
    ejecting = "[pools.app.outlier]\nfailures = 1\n" + NO_CHECKS
    await world.server(OTHER)
    await world.serve(make_config(backends=BOTH, pool=DROP, more=ejecting))
    client = await world.client()
    await wait_all_tasks_blocked()
    assert world.lines("Backend is DOWN")
    assert await trade(client) == b"ping"


async def test_a_pool_that_is_gone_is_of_no_interest(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config())
    pool = world.runtime.pools["app"]
    await world.balancer.reload(renamed("app", "shop", make_config()))
    pool.set_admin(pool.backends[0], Admin.DRAIN, trio.current_time())
    assert world.lines("Backend is") == []
