"""Idle, half-closed and too old connections, in exact virtual time."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
from support.world import (
    BACKEND,
    Server,
    World,
    is_reset,
    keep,
    make_config,
    receive_to_end,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.testing import MemoryNetwork, MemoryStream

if TYPE_CHECKING:
    from trio_balancer import Record

WINDOW = 64 * 1024


async def joined(world: World, listener: str = "") -> tuple[MemoryStream, MemoryStream, Server]:
    """Return a client, and the backend's end of its connection."""
    server = await world.server(BACKEND, keep)
    await world.serve(make_config(listener=listener))
    client = await world.client()
    return client, server.streams[0], server


async def the_record(world: World) -> Record:
    await wait_all_tasks_blocked()
    (record,) = world.records
    world.assert_nothing_is_held()
    return record


async def test_a_client_that_never_speaks_is_cut_when_idle(
    autojump_clock: MockClock, world: World
) -> None:
    client, _backend, _ = await joined(world, 'idle_timeout = "80s"')
    assert await is_reset(client)
    record = await the_record(world)
    assert (str(record.ending), record.total_time) == ("cD", 80)
    assert record.reason == "nothing more came from the client"


@pytest.mark.parametrize(("speaker", "ending"), [("client", "sD"), ("backend", "cD")])
async def test_the_side_that_was_to_speak_next_timed_out(
    autojump_clock: MockClock, world: World, speaker: str, ending: str
) -> None:
    client, backend, _ = await joined(world, 'idle_timeout = "8s"')
    await (client if speaker == "client" else backend).send_all(b"your turn")
    await trio.sleep(20)
    assert str((await the_record(world)).ending) == ending


@pytest.mark.parametrize("spoken_at", [0.0, 0.5, 0.999, 1.0, 3.7, 7.9])
async def test_idle_acts_within_an_eighth_more(
    autojump_clock: MockClock, world: World, spoken_at: float
) -> None:
    client, _backend, _ = await joined(world, 'idle_timeout = "8s"')
    await trio.sleep(spoken_at)
    await client.send_all(b"x")
    assert await is_reset(client)
    idle = trio.current_time() - spoken_at
    assert 8 <= round(idle, 6) <= 9


@pytest.mark.parametrize("side", ["client", "backend"])
async def test_whoever_speaks_within_the_timeout_lives(
    autojump_clock: MockClock, world: World, side: str
) -> None:
    client, backend, _ = await joined(world, 'idle_timeout = "8s"')
    for _ in range(50):
        await (client if side == "client" else backend).send_all(b"x")
        await trio.sleep(7.5)
    assert world.records == []


async def test_a_slow_reader_makes_progress(autojump_clock: MockClock, world: World) -> None:
    """Partial sends count: the chunk in our hands is not through for a minute."""
    world.network = MemoryNetwork(window=64)
    client, backend, _ = await joined(world, 'idle_timeout = "8s"')
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, bytes(640))
        received = 0
        # What the last window holds was given to the kernel: nothing moves for us any more.
        while received < 500:
            await trio.sleep(5)
            received += len(await backend.receive_some(10))
    assert trio.current_time() > 60
    assert world.records == []


async def test_a_reader_that_stops_is_cut_though_the_writer_would_go_on(
    autojump_clock: MockClock, world: World
) -> None:
    world.network = MemoryNetwork(window=64)
    client, _backend, _ = await joined(world, 'idle_timeout = "8s"')
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(bytes(640))
    assert trio.current_time() <= 9
    assert str((await the_record(world)).ending) == "sD"


@pytest.mark.parametrize(("side", "ending"), [("client", "sD"), ("backend", "cD")])
async def test_half_closed_connections_have_a_timeout_of_their_own(
    autojump_clock: MockClock, world: World, side: str, ending: str
) -> None:
    client, backend, _ = await joined(world, 'idle_timeout = "off"\nhalf_close_timeout = "4s"')
    first, other = (client, backend) if side == "client" else (backend, client)
    await trio.sleep(10)
    await first.send_eof()
    assert await other.receive_some() == b""
    assert await is_reset(first)
    assert 14 <= trio.current_time() <= 14.5
    record = await the_record(world)
    assert (str(record.ending), record.closed_first) == (ending, side)


async def test_a_half_closed_connection_that_moves_bytes_lives(
    autojump_clock: MockClock, world: World
) -> None:
    client, backend, _ = await joined(world, 'idle_timeout = "2s"\nhalf_close_timeout = "4s"')
    await client.send_eof()
    for _ in range(20):
        await trio.sleep(3.4)
        await backend.send_all(b"more")
    backend.close()
    assert await receive_to_end(client) == b"more" * 20
    assert str((await the_record(world)).ending) == "--"


async def test_no_timeouts_at_all(autojump_clock: MockClock, world: World) -> None:
    client, backend, _ = await joined(world, 'idle_timeout = "off"\nhalf_close_timeout = "off"')
    await client.send_eof()
    await trio.sleep(80_000)
    assert world.records == []
    backend.close()
    assert str((await the_record(world)).ending) == "--"


async def test_the_lifetime_ends_busy_connections_too(
    autojump_clock: MockClock, world: World
) -> None:
    config = make_config(listener='lifetime = "10s"\nlifetime_jitter = 0')
    await world.server(BACKEND)
    await world.serve(config)
    client = await world.client()
    with suppress(trio.BrokenResourceError):
        while True:
            await trade(client)
            await trio.sleep(0.3)
    record = await the_record(world)
    assert (str(record.ending), record.total_time) == ("PD", 10)
    assert record.reason == "its lifetime was over"


async def test_the_lifetime_counts_from_accept(autojump_clock: MockClock, world: World) -> None:
    world.network.blackhole(BACKEND)
    await world.server(BACKEND)
    await world.serve(make_config(listener='lifetime = "10s"\nlifetime_jitter = 0'))
    client = await world.client()
    await trio.sleep(4)
    world.network.heal(BACKEND)
    assert await is_reset(client)
    assert trio.current_time() == 10


async def test_jitter_spreads_the_ends_of_lifetimes(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config(listener='lifetime = "100s"\nlifetime_jitter = 0.2'))
    await world.clients(90)
    await trio.sleep(99.9)
    assert world.records == []
    await trio.sleep(20.2)
    lives = sorted(record.total_time for record in world.records)
    assert world.endings() == ["PD"] * 90
    assert 100 <= lives[0] < 103
    assert 117 < lives[-1] <= 120


@pytest.mark.parametrize(
    ("listener", "at_most"),
    [
        ('half_close_timeout = "10s"', 10.1),
        ('half_close_timeout = "off"\nidle_timeout = "8s"', 20),
        ('half_close_timeout = "40s"\nlifetime = "5s"\nlifetime_jitter = 0', 5),
    ],
)
async def test_a_client_that_takes_nothing_is_not_waited_for_without_end(
    autojump_clock: MockClock, world: World, listener: str, at_most: float
) -> None:
    client, backend, server = await joined(world, listener)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_too_much, client)
        nursery.start_soon(send_too_much, backend)
        await wait_all_tasks_blocked()
        backend.reset()
        await trio.sleep(60)
        record = await the_record(world)
    assert str(record.ending) == "SD"
    assert record.total_time <= at_most
    assert server.streams == [backend]


async def send_too_much(stream: MemoryStream) -> None:
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.send_all(bytes(8 * WINDOW))
