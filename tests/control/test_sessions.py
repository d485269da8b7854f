from __future__ import annotations

import json

import trio
from support.commands import operate
from support.world import BACKEND, OTHER, World, finish, keep, trade
from trio.testing import MockClock

from trio_balancer.control.sessions import (
    MOST_ENDINGS,
    Endings,
    ending_json,
    ending_line,
    live_json,
)


async def test_live_connections(autojump_clock: MockClock, world: World) -> None:
    world.wall_start = 1_000_000.0
    await world.server(BACKEND)
    await world.server(OTHER)
    await operate(world)
    client = await world.client()
    await trade(client, b"12345")
    await world.client()
    await trio.sleep(3)
    first, second = live_json(world.runtime.connections.values(), 10)
    assert first["number"] == 1
    assert first["client"] == str(client.local_address)
    assert (first["listener"], first["pool"], first["backend"]) == ("web", "app", "one")
    assert (first["backend_address"], first["phase"]) == (str(BACKEND), "data")
    assert (first["accepted_at"], first["age"]) == (1_000_000.0, 3.0)
    assert (first["bytes_up"], first["bytes_down"], first["attempts"]) == (5, 5, 1)
    assert second["number"] == 2
    assert live_json(world.runtime.connections.values(), 1) == [first]


async def test_one_that_waits(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world, pool='when_down = "hold"\n')
    await operator.command("disable server app/one; disable server app/two")
    await world.client()
    (waiting,) = live_json(world.runtime.connections.values(), 10)
    assert (waiting["phase"], waiting["backend_address"]) == ("waiting", None)


async def test_endings_are_the_logs_lines(autojump_clock: MockClock, world: World) -> None:
    world.wall_start = 1_000_000.0
    await world.server(BACKEND)
    await operate(world, backends=(BACKEND,))
    endings = Endings()
    world.runtime.observe(endings.add)
    for _ in range(2):
        client = await world.client()
        await trio.sleep(1.5)
        await finish(client)
    newest, oldest = endings.latest(10)
    assert (newest["number"], oldest["number"]) == (2, 1)
    assert (newest["kind"], newest["ending"], newest["backend"]) == (
        "connection",
        "--",
        str(BACKEND),
    )
    assert oldest["time"] == "1970-01-12T13:46:41.500Z"
    assert endings.latest(1) == [newest]
    assert json.loads(ending_line(world.records[0])) == ending_json(world.records[0]) == oldest


async def test_only_so_many_are_remembered(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    await operate(world, backends=(BACKEND,))
    client = await world.client()
    client.reset()
    await trio.sleep(1)
    endings = Endings()
    for _ in range(2 * MOST_ENDINGS):
        endings.add(world.records[0])
    assert len(endings.latest(5 * MOST_ENDINGS)) == MOST_ENDINGS
