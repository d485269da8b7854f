"""Queued: every backend is full, and clients wait in line for a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from support.world import (
    BACKEND,
    NO_CHECKS,
    OTHER,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

if TYPE_CHECKING:
    from trio_balancer.config.model import Config

HOLD = 'when_down = "hold"'
CHECKS = '[pools.app.health]\ninterval = "0.5s"\ntimeout = "0.2s"\nfall = 1\nrise = 1\n'


def limited(limit: int = 1, pool: str = "", more: str = NO_CHECKS) -> Config:
    backend = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = {limit}\n'
    return make_config(backends=(), pool=pool, more=backend + more)


async def test_the_queue_is_first_come_first_served(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(limited())
    clients = await world.clients(5)
    assert world.balancer.statistics().pools[0].queued == 4
    for number, client in enumerate(clients, start=1):
        assert await trade(client) == b"ping"
        await trio.sleep(0.5)
        await finish(client)
        assert [record.number for record in world.records] == list(range(1, number + 1))
    assert [record.queue_time for record in world.records] == [0, 0.5, 1, 1.5, 2]
    assert [record.pool_queue for record in world.records] == [0, 1, 2, 3, 4]
    world.assert_nothing_is_held()


async def test_never_more_than_the_limit_at_a_backend(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(limited(3))
    clients = await world.clients(10)
    while clients:
        assert len(server.live) == min(3, len(clients))
        await finish(clients.pop(0))
    assert world.endings() == ["--"] * 10
    assert world.runtime.pools["app"].backends[0].peak_active == 3


async def test_the_queue_timeout_counts_from_joining(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(limited(pool='queue_timeout = "3s"'))
    await world.client()
    late = await world.client()
    assert await is_reset(late)
    (record,) = world.records
    assert (str(record.ending), record.total_time) == ("sQ", 3)
    assert record.reason == "every backend was full for 3 s"
    assert (record.backend, record.queue_time, record.attempts) == (None, None, 0)


async def test_queueing_again_does_not_re_arm_the_timeout(
    autojump_clock: MockClock, world: World
) -> None:
    """Served after 2 s, its dial fails after 2 s, and it queues again: 1 s is left."""
    pool = 'queue_timeout = "5s"\nconnect_timeout = "2s"\nconnect_attempts = 9'
    both = "".join(
        f'[[pools.app.backends]]\naddress = "{address}"\nmax_connections = 1\n'
        for address in (BACKEND, OTHER)
    )
    await world.server(BACKEND, keep)
    await world.server(OTHER, keep)
    await world.serve(make_config(backends=(), pool=pool, more=both + NO_CHECKS))
    first, _second = await world.clients(2)
    waiting = await world.client()
    await trio.sleep(2)
    world.network.blackhole(BACKEND)
    first.reset()
    assert await is_reset(waiting)
    assert trio.current_time() == 5
    assert world.endings() == ["CD", "sQ"]


async def test_a_full_queue_turns_away(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    await world.serve(limited(pool="queue_limit = 2"))
    await world.clients(3)
    late = await world.client()
    assert await is_reset(late)
    (record,) = world.records
    assert (str(record.ending), record.reason) == ("PQ", "the queue is full")
    assert world.balancer.statistics().pools[0].queue_refused == 1


async def test_without_a_queue_who_finds_no_slot_is_turned_away(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(limited(pool="queue_limit = 0"))
    await world.client()
    assert await is_reset(await world.client())


async def test_a_reset_ends_the_wait_and_the_next_moves_up(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(limited())
    first, second, third = await world.clients(3)
    second.reset()
    await wait_all_tasks_blocked()
    assert world.endings() == ["CQ"]
    await finish(first)
    assert await trade(third) == b"ping"


async def test_a_fin_does_not_end_the_wait(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(limited())
    first, second = await world.clients(2)
    await second.send_all(b"question")
    await second.send_eof()
    await trio.sleep(2)
    await finish(first)
    assert await second.receive_some() == b"question"
    assert world.endings() == ["--", "--"]
