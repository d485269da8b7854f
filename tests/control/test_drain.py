"""Draining: at once nobody new comes, over a time everybody is gone in the end."""

from __future__ import annotations

import pytest
import trio
from support.reloads import backend_at, pool_of
from support.returning import Returning
from support.world import (
    BACKEND,
    FRONT,
    OPTIONS,
    OTHER,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock

from trio_balancer.control.drain import drain_backend, drain_balancer, drain_pool
from trio_balancer.policy import Admin, State

BOTH = (BACKEND, OTHER)


async def test_at_once_nobody_new_comes_and_who_is_there_finishes(
    autojump_clock: MockClock, world: World
) -> None:
    first, second = await world.server(BACKEND), await world.server(OTHER)
    await world.serve(make_config(backends=BOTH))
    one, other = await world.clients(2)
    drain_backend(world.balancer, pool_of(world), backend_at(world, BACKEND))
    for _ in range(5):
        await finish(await world.client())
    assert (len(first.streams), len(second.streams)) == (1, 6)
    await trio.sleep(300)
    assert [await trade(each) for each in (one, other)] == [b"ping"] * 2
    await finish(one)
    await finish(other)
    assert world.endings() == ["--"] * 7


async def test_over_a_time_connections_are_ended_evenly(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.server(OTHER, keep)
    await world.serve(make_config(backends=BOTH))
    await world.clients(40)
    backend = backend_at(world, BACKEND)
    drain_backend(world.balancer, pool_of(world), backend, over=19.9)
    left = []
    for _ in range(4):
        await trio.sleep(5)
        left.append(backend.active)
    assert left == pytest.approx([15, 10, 5, 0], abs=1)
    assert backend.state is State.DRAIN
    assert world.endings() == ["KD"] * 20
    assert {record.reason for record in world.records} == {f"{BACKEND} is being drained"}
    assert backend_at(world, OTHER).active == 20


async def test_over_a_time_fewer_and_fewer_come(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(backends=BOTH))
    backend = backend_at(world, BACKEND)
    drain_backend(world.balancer, pool_of(world), backend, over=40.0)
    shares = []
    for _ in range(5):
        before = backend.leased
        for _ in range(100):
            await finish(await world.client())
            await trio.sleep(0.1)
        shares.append(backend.leased - before)
    assert shares[4] == 0
    # A weight of 1 falls to 0 beside one of 1: about 7/15, 5/13, 3/11, 1/9.
    assert shares[:4] == pytest.approx([46, 38, 27, 11], abs=3)
    assert backend.admin is Admin.DRAIN


async def test_ready_ends_a_drain_that_is_under_way(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.clients(10)
    pool, backend = pool_of(world), backend_at(world, BACKEND)
    drain_backend(world.balancer, pool, backend, over=10.0)
    await trio.sleep(5)
    pool.set_admin(backend, Admin.READY, trio.current_time())
    active = backend.active
    assert 0 < active < 10
    await trio.sleep(60)
    assert (backend.active, backend.state) == (active, State.UP)
    assert backend.weight_at(trio.current_time()) == 1


async def test_another_drain_takes_the_place_of_the_first(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.clients(10)
    pool, backend = pool_of(world), backend_at(world, BACKEND)
    drain_backend(world.balancer, pool, backend, over=10.0)
    drain_backend(world.balancer, pool, backend, over=100.0)
    await trio.sleep(50)
    assert backend.active == pytest.approx(5, abs=1)
    drain_backend(world.balancer, pool, backend)
    await trio.sleep(200)
    assert backend.active == pytest.approx(5, abs=1)


async def test_a_backend_that_was_removed_meanwhile_is_not_changed(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config(backends=BOTH))
    await world.client()
    backend = backend_at(world, BACKEND)
    drain_backend(world.balancer, pool_of(world), backend, over=10.0)
    await world.balancer.reload(make_config(backends=(OTHER,)))
    await trio.sleep(11)
    assert (backend.active, backend.admin) == (0, Admin.READY)


async def test_a_pool_is_all_its_backends(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    await world.server(OTHER, keep)
    await world.serve(make_config(backends=BOTH))
    await world.clients(10)
    drain_pool(world.balancer, pool_of(world), over=10.0)
    await trio.sleep(5)
    assert [backend.active for backend in pool_of(world).backends] == pytest.approx(
        [2.5] * 2, abs=1
    )
    assert [backend.state for backend in pool_of(world).backends] == [State.UP] * 2
    await trio.sleep(6)
    assert [backend.state for backend in pool_of(world).backends] == [State.DRAIN] * 2
    drain_pool(world.balancer, pool_of(world))
    assert await is_reset(await world.client())
    assert world.endings()[-1] == "SC"


async def test_the_balancer_over_a_time(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.clients(20)
    drain_balancer(world.balancer, over=10.0)
    assert not world.balancer.ready
    await trio.sleep(5)
    with pytest.raises(ConnectionRefusedError):
        await world.network.connect(FRONT, options=OPTIONS)
    assert len(world.runtime.connections) == pytest.approx(10, abs=1)
    await trio.sleep(5.1)
    assert world.returned
    assert world.endings() == ["KD"] * 20
    world.assert_nothing_is_held()


async def test_the_balancer_with_no_time_given_lets_everybody_finish(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(balancer='drain_timeout = "30s"'))
    client = await world.client()
    drain_balancer(world.balancer)
    await trio.sleep(20)
    assert await trade(client) == b"ping"
    await finish(client)
    assert world.endings() == ["--"]


async def test_a_second_drain_of_the_balancer_takes_the_place_of_the_first(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.clients(20)
    drain_balancer(world.balancer, over=10.0)
    drain_balancer(world.balancer, over=100.0)
    await trio.sleep(50)
    assert len(world.runtime.connections) == pytest.approx(10, abs=1)
    await trio.sleep(51)
    assert world.returned


async def test_clients_that_come_back_are_ended_too(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    async with trio.open_nursery() as clients:
        await Returning(world).come(clients, 20)
        backend = backend_at(world, BACKEND)
        drain_backend(world.balancer, pool_of(world), backend, over=20.0)
        await trio.sleep(21)
        assert backend.active == 0
        clients.cancel_scope.cancel()
