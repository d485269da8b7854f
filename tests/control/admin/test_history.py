from __future__ import annotations

import pytest
import trio
from support.admin import open_desk
from support.world import World, finish, trade
from trio.testing import MockClock

from trio_balancer.control.admin.history import MOST_SAMPLES, History


async def test_a_sample_of_an_idle_balancer(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    history = History(desk.operations.balancer)
    assert history.take() == {
        "at": 0.0,
        "active": 0,
        "accepted": 0,
        "bytes_up": 0,
        "bytes_down": 0,
        "connect_p50": None,
        "connect_p99": None,
    }


async def test_bytes_of_live_connections_count(autojump_clock: MockClock, world: World) -> None:
    await world.server()
    desk = await open_desk(world)
    history = History(desk.operations.balancer)
    client = await world.client()
    await trade(client, b"12345")
    live = history.take()
    assert (live["active"], live["accepted"]) == (1, 1)
    assert (live["bytes_up"], live["bytes_down"]) == (5, 5)
    await finish(client)
    ended = history.take()
    assert (ended["active"], ended["accepted"]) == (0, 1)
    assert (ended["bytes_up"], ended["bytes_down"]) == (5, 5)
    assert ended["connect_p50"] == pytest.approx(0, abs=0.1)


async def test_a_connection_that_waits_has_no_bytes(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    world.runtime.pools["app"].backends[0].max_connections = 0
    history = History(desk.operations.balancer)
    await world.client()
    assert (history.take()["bytes_up"], world.runtime.latest) == (0, 1)


async def test_the_oldest_are_forgotten(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    history = History(desk.operations.balancer)
    for _ in range(MOST_SAMPLES + 3):
        history.take()
        await trio.sleep(1)
    samples = history.samples()
    assert (len(samples), samples[0]["at"]) == (MOST_SAMPLES, 3.0)
