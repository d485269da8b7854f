"""Two streams joined: half-close, resets and back-pressure."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    Server,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    receive_to_end,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.flow.bridge import Bridge, Timeouts
from trio_balancer.relay import Sweepers
from trio_balancer.testing import MemoryNetwork, MemoryStream, memory_connection

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


async def test_the_clients_end_first(autojump_clock: MockClock, world: World) -> None:
    client, backend, _ = await joined(world)
    await client.send_all(b"question")
    await client.send_eof()
    assert await receive_to_end(backend) == b"question"
    await trio.sleep(5)
    await backend.send_all(b"answer")
    backend.close()
    assert await receive_to_end(client) == b"answer"
    record = await the_record(world)
    assert (str(record.ending), record.closed_first, record.reason) == ("--", "client", "")
    assert (record.bytes_up, record.bytes_down, record.total_time) == (8, 6, 5)


async def test_the_backends_end_first(autojump_clock: MockClock, world: World) -> None:
    client, backend, _ = await joined(world)
    await backend.send_all(b"greeting")
    await backend.send_eof()
    assert await receive_to_end(client) == b"greeting"
    await client.send_all(b"late")
    client.close()
    assert await receive_to_end(backend) == b"late"
    record = await the_record(world)
    assert (str(record.ending), record.closed_first) == ("--", "backend")


async def test_a_clients_reset_reaches_the_backend(autojump_clock: MockClock, world: World) -> None:
    client, backend, _ = await joined(world)
    client.reset()
    assert await is_reset(backend)
    record = await the_record(world)
    assert (str(record.ending), record.reason) == ("CD", "the client reset")


async def test_a_backends_reset_reaches_the_client(autojump_clock: MockClock, world: World) -> None:
    client, backend, _ = await joined(world)
    backend.reset()
    assert await is_reset(client)
    record = await the_record(world)
    assert (str(record.ending), record.reason) == ("SD", "the backend reset")


async def test_a_reset_after_an_end_of_file_is_still_a_reset(
    autojump_clock: MockClock, world: World
) -> None:
    client, backend, _ = await joined(world)
    await backend.send_eof()
    await wait_all_tasks_blocked()
    backend.reset()
    await wait_all_tasks_blocked()
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"anybody there?")
    assert str((await the_record(world)).ending) == "SD"


async def test_a_reset_on_a_leg_that_nobody_reads(autojump_clock: MockClock, world: World) -> None:
    """The balancer holds a chunk that the client does not take, and so does not read."""
    client, backend, _ = await joined(world)
    with trio.move_on_after(1):
        await backend.send_all(bytes(10 * WINDOW))
    backend.reset()
    await trio.sleep(31)
    assert str((await the_record(world)).ending) == "SD"
    assert await is_reset(client)


async def test_what_was_delivered_before_the_reset_arrives(
    autojump_clock: MockClock, world: World
) -> None:
    client, backend, _ = await joined(world)
    await backend.send_all(b"last words")
    backend.reset()
    assert await client.receive_some() == b"last words"
    assert await is_reset(client)


async def test_a_stopped_reader_stops_the_writer(autojump_clock: MockClock, world: World) -> None:
    world.network = MemoryNetwork(window=1000)
    client, _backend, _ = await joined(world)
    with trio.move_on_after(10):
        await client.send_all(bytes(100_000))
    # Two windows and the one chunk between them.
    assert client.sent <= 3000


async def test_an_answer_given_before_the_backend_broke_arrives(
    autojump_clock: MockClock, world: World
) -> None:
    """A server that answers 400 kB and closes while the upload goes on: it resets for that."""

    async def answer_and_close(stream: MemoryStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"a" * 400_000)
        stream.close()

    await world.server(BACKEND, answer_and_close)
    await world.serve(make_config())
    client = await world.client()
    received = bytearray()

    async def upload() -> None:
        with suppress(trio.BrokenResourceError):
            while True:
                await client.send_all(bytes(1000))
                await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(upload)
        with suppress(trio.BrokenResourceError):
            while data := await client.receive_some():
                received += data
    assert bytes(received) == b"a" * 400_000
    assert str((await the_record(world)).ending) == "SD"


async def test_outlier_ejection_counts_resets_before_the_first_byte(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, keep)
    config = make_config(
        backends=(BACKEND, "10.0.1.9:1"), more="[pools.app.outlier]\nfailures = 2\n" + NO_CHECKS
    )
    await world.serve(config)
    for _ in range(2):
        client = await world.client()
        server.streams[-1].reset()
        assert await is_reset(client)
    await wait_all_tasks_blocked()
    backend = world.runtime.pools["app"].backends[0]
    assert (backend.resets, backend.ejected) == (2, True)
    reason = "ejected after 2 failures in a row: connection reset before the first byte"
    assert backend.reason == reason


async def test_a_connection_in_good_order(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    assert await trade(client, bytes(1_000)) == bytes(1_000)
    await finish(client)
    assert str((await the_record(world)).ending) == "--"


async def test_a_reset_after_both_ends_of_file_that_meets_a_stuck_sender(
    autojump_clock: MockClock, world: World
) -> None:
    """The backend finished long ago, and breaks while an upload waits for it."""
    client, backend, _ = await joined(world)
    await backend.send_eof()
    with trio.move_on_after(1):
        await client.send_all(bytes(10 * WINDOW))
    backend.reset()
    await trio.sleep(31)
    assert str((await the_record(world)).ending) == "SD"
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"more")


async def test_bytes_that_were_read_before_are_not_kept(autojump_clock: MockClock) -> None:
    _, client_leg = memory_connection(FRONT, BACKEND)
    backend_leg, backend = memory_connection(FRONT, BACKEND)
    prefix = bytes(1000)
    before = sys.getrefcount(prefix)
    async with trio.open_nursery() as nursery:
        Bridge(client_leg, backend_leg, Timeouts(), Sweepers(nursery)).start(nursery, prefix)
        await wait_all_tasks_blocked()
        assert await backend.receive_some() == prefix
        assert sys.getrefcount(prefix) == before
        nursery.cancel_scope.cancel()
