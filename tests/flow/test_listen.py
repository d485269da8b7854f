"""Accepting: limits, and what becomes of who comes when they are reached."""

from __future__ import annotations

import pytest
import trio
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config, parse_config
from trio_balancer.wire.address import inet_address

SIDE = inet_address("10.0.0.2", 80)


def two_listeners(balancer: str = "", web: str = "", side: str = "") -> Config:
    return parse_config(f"""
[balancer]
{balancer}
[listeners.web]
bind = "{FRONT}"
pool = "app"
{web}
[listeners.side]
bind = "{SIDE}"
pool = "app"
{side}
[pools.app]
backends = ["{BACKEND}"]
{NO_CHECKS}""")


async def test_who_finds_no_token_waits_in_the_backlog(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(make_config(listener="max_connections = 2"))
    first, second, third = await world.clients(3)
    await trio.sleep(60)
    assert world.runtime.totals.accepted == len(server.live) == 2
    await finish(first)
    assert world.runtime.totals.accepted == 3
    assert await trade(third) == b"ping"
    await finish(second)
    await finish(third)
    assert world.endings() == ["--"] * 3
    world.assert_nothing_is_held()


@pytest.mark.parametrize(
    ("balancer", "web", "limit"),
    [("", "max_connections = 1", "listener"), ("max_connections = 1", "", "balancer")],
)
async def test_the_log_says_why_clients_wait(
    autojump_clock: MockClock, world: World, balancer: str, web: str, limit: str
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(two_listeners(balancer, web))
    await world.clients(1)
    await wait_all_tasks_blocked()
    assert world.lines("Limit reached") == []
    await world.clients(2)
    await wait_all_tasks_blocked()
    (line,) = world.lines("Limit reached")
    assert f"listener=web limit={limit} max_connections=1" in line


async def test_the_global_limit_holds_for_all_listeners_together(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(two_listeners("max_connections = 3"))
    clients = [await world.client(address) for address in (FRONT, SIDE) * 3]
    assert len(server.live) == 3
    assert world.balancer.statistics().tokens == 3
    for client in clients:
        await finish(client)
    assert world.endings() == ["--"] * 6
    world.assert_nothing_is_held()


async def test_a_full_listener_does_not_starve_the_others(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(two_listeners("max_connections = 3", web="max_connections = 1"))
    await world.clients(5)
    others = [await world.client(SIDE) for _ in range(2)]
    assert [await trade(other) for other in others] == [b"ping"] * 2


async def test_an_idle_listener_holds_no_token(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(two_listeners("max_connections = 2"))
    assert world.balancer.statistics().tokens == 0
    clients = await world.clients(2)
    assert [await trade(client) for client in clients] == [b"ping"] * 2


async def test_who_left_the_backlog_costs_no_token(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(listener="max_connections = 1"))
    first, second = await world.clients(2)
    second.reset()
    await finish(first)
    assert await trade(await world.client()) == b"ping"


@pytest.mark.parametrize("where", ["listener", "balancer"])
async def test_reject_resets_at_once_with_a_record(
    autojump_clock: MockClock, world: World, where: str
) -> None:
    await world.server(BACKEND, keep)
    limits = 'max_connections = 2\noverflow = "reject"'
    config = two_listeners(web=limits) if where == "listener" else two_listeners(balancer=limits)
    await world.serve(config)
    await world.clients(2)
    assert world.records == []
    assert await is_reset(await world.client())
    (record,) = world.records
    assert (str(record.ending), record.reason) == ("PR", "too many connections")
    assert (record.total_time, record.pool, record.backend) == (0, None, None)
    statistics = world.balancer.statistics()
    assert (statistics.traffic.accepted, statistics.traffic.refused) == (3, 1)
    assert statistics.listeners[0].traffic.refused == 1
    assert (statistics.tokens, statistics.active) == (2, 2)


async def test_a_flood_of_refusals_is_no_flood_of_lines(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config(listener='max_connections = 1\noverflow = "reject"'))
    await world.clients(51)
    assert world.endings() == ["PR"] * 50
    assert len(world.lines("ending=PR")) == 1
    await trio.sleep(1)
    await world.client()
    assert len(world.lines("ending=PR")) == 2
    assert any("suppressed=49" in line for line in world.sink.lines)


async def test_a_listeners_own_overflow_comes_first(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    config = two_listeners('overflow = "reject"', web='max_connections = 1\noverflow = "wait"')
    await world.serve(config)
    await world.clients(3)
    assert world.records == []


async def test_a_burst_is_accepted_in_full(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    async with trio.open_nursery() as nursery:
        for _ in range(90):
            nursery.start_soon(world.client)
    assert world.runtime.totals.accepted == 90
    assert len(world.runtime.connections) == 90
