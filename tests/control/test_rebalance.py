"""Rebalancing: who has too many connections loses some, evenly, and they come back elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import trio
from support.reloads import backend_at, pool_of
from support.returning import Returning
from support.world import BACKEND, OPTIONS, OTHER, THIRD, World, keep, make_config
from trio.testing import MockClock

from trio_balancer import Config
from trio_balancer.control.rebalance import RebalanceError, rebalance, stop_rebalancing
from trio_balancer.policy import Admin
from trio_balancer.wire.address import InetAddress, inet_address

FOURTH = inet_address("10.0.1.4", 80)
ALL = (BACKEND, OTHER, THIRD, FOURTH)
CLIENTS = 80


def config(*addresses: InetAddress, policy: str = "round-robin") -> Config:
    return make_config(pool=f'policy = "{policy}"', backends=addresses)


@asynccontextmanager
async def crowd(world: World, policy: str) -> AsyncIterator[Returning]:
    """Serve clients with three backends, then with a fourth beside them."""
    for address in ALL:
        await world.server(address, keep)
    await world.serve(config(*ALL[:3], policy=policy))
    returning = Returning(world)
    async with trio.open_nursery() as clients:
        await returning.come(clients, CLIENTS)
        await world.balancer.reload(config(*ALL, policy=policy))
        assert backend_at(world, FOURTH).active == 0
        yield returning
        clients.cancel_scope.cancel()


def shares(world: World) -> list[float]:
    pool = pool_of(world)
    return [backend.active / pool.active for backend in pool.backends]


@pytest.mark.parametrize("policy", ["round-robin", "least-connections", "random", "random-two"])
async def test_a_fourth_backend_gets_its_quarter(
    autojump_clock: MockClock, world: World, policy: str
) -> None:
    async with crowd(world, policy) as clients:
        rebalance(world.balancer, pool_of(world), 60.0)
        began = trio.current_time()
        await trio.sleep(62)
        assert shares(world) == pytest.approx([0.25] * 4, abs=0.05)
        assert len(world.runtime.connections) == CLIENTS
        assert len(world.lines("Rebalanced")) == 1
        assert world.balancer.rebalancing == {}
    assert set(world.endings()[: len(clients.resets)]) == {"KD"}
    # Evenly: a third of the way in a third of the time, and no gap is longer than a few seconds.
    third = [time for time in clients.resets if time - began < 20]
    assert len(third) / len(clients.resets) == pytest.approx(1 / 3, abs=0.15)
    assert max(later - earlier for earlier, later in pairwise(clients.resets)) < 6


async def test_the_oldest_connections_are_ended(autojump_clock: MockClock, world: World) -> None:
    async with crowd(world, "least-connections"):
        rebalance(world.balancer, pool_of(world), 10.0)
        await trio.sleep(12)
    ended = [record.number for record in world.records if str(record.ending) == "KD"]
    # Twenty of eighty, the first of each backend; trio decides in which order they were dialled.
    assert max(ended[:20]) <= 40


async def test_balanced_already_nobody_is_ended(autojump_clock: MockClock, world: World) -> None:
    for address in ALL:
        await world.server(address, keep)
    await world.serve(config(*ALL))
    await world.clients(10)
    rebalance(world.balancer, pool_of(world), 5.0)
    await trio.sleep(10)
    assert world.records == []


async def test_weights_and_limits_are_kept_to(autojump_clock: MockClock, world: World) -> None:
    async with crowd(world, "least-connections"):
        pool = pool_of(world)
        pool.set_weight(backend_at(world, OTHER), 2, 0.0)
        pool.set_max_connections(backend_at(world, FOURTH), 5, 0.0)
        rebalance(world.balancer, pool, 30.0)
        await trio.sleep(32)
        found = [backend.active for backend in pool.backends]
    assert found == pytest.approx([75 / 4, 75 / 2, 75 / 4, 5], abs=2)


async def test_source_hash_moves_those_who_belong_elsewhere(
    autojump_clock: MockClock, world: World
) -> None:
    for address in ALL:
        await world.server(address, keep)
    await world.serve(config(*ALL[:3], policy="source-hash"))
    for number in range(CLIENTS):
        source = inet_address(f"10.3.0.{number}", 40000)
        await world.network.connect(inet_address("10.0.0.1", 80), options=OPTIONS, source=source)
    await trio.sleep(1)
    await world.balancer.reload(config(*ALL, policy="source-hash"))
    pool = pool_of(world)
    belong = {
        number: pool.preferred(each.client_address, 0.0)
        for number, each in world.runtime.connections.items()
    }
    moved = {number for number, backend in belong.items() if backend is backend_at(world, FOURTH)}
    rebalance(world.balancer, pool, 10.0)
    await trio.sleep(11)
    assert {record.number for record in world.records} == moved
    assert 10 < len(moved) < 30


async def test_first_cannot_be_balanced(autojump_clock: MockClock, world: World) -> None:
    await world.serve(config(*ALL, policy="first"))
    with pytest.raises(RebalanceError, match="first"):
        rebalance(world.balancer, pool_of(world), 10.0)


async def test_it_can_be_stopped_and_begun_anew(autojump_clock: MockClock, world: World) -> None:
    async with crowd(world, "least-connections") as clients:
        pool = pool_of(world)
        rebalance(world.balancer, pool, 60.0)
        await trio.sleep(10)
        assert stop_rebalancing(world.balancer, pool)
        assert not stop_rebalancing(world.balancer, pool)
        ended = len(clients.resets)
        await trio.sleep(60)
        assert len(clients.resets) == ended > 0
        rebalance(world.balancer, pool, 1000.0)
        rebalance(world.balancer, pool, 5.0)
        await trio.sleep(7)
        assert shares(world) == pytest.approx([0.25] * 4, abs=0.02)


async def test_nobody_goes_to_a_backend_that_is_drained(
    autojump_clock: MockClock, world: World
) -> None:
    async with crowd(world, "least-connections"):
        pool, drained = pool_of(world), backend_at(world, BACKEND)
        pool.set_admin(drained, Admin.DRAIN, 0.0)
        before = drained.active
        rebalance(world.balancer, pool, 10.0)
        await trio.sleep(12)
        assert drained.active == before
        others = [backend.active for backend in pool.backends if backend is not drained]
        assert max(others) - min(others) <= 2
