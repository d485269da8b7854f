"""Half-close in both orders, and the timeouts that end a connection on which nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.joined import joining
from support.plain import RESETS, receive_exactly, receive_to_end, send, send_until_broken

if TYPE_CHECKING:
    from trio.socket import SocketType

FIRST = bytes(range(251)) * 4000
SECOND = bytes(range(241)) * 20000


async def say_all(sock: SocketType, data: bytes) -> None:
    await send(sock, data)
    sock.shutdown(trio.socket.SHUT_WR)


@pytest.mark.parametrize("first", ["client", "backend"])
async def test_other_way_goes_on_after_an_end_of_file(first: str) -> None:
    async with joining() as joined, trio.open_nursery() as nursery:
        client, backend = await joined.connect()
        early, late = (client, backend) if first == "client" else (backend, client)
        nursery.start_soon(say_all, early, FIRST)
        end = await receive_to_end(late)
        assert (end.data, end.errno) == (FIRST, 0)
        # The way back is as open as before, for as much as one likes.
        nursery.start_soon(say_all, late, SECOND)
        end = await receive_to_end(early)
        assert (end.data, end.errno) == (SECOND, 0)
        record = await joined.record()
        assert (str(record.ending), record.closed_first) == ("--", first)
        assert {record.bytes_up, record.bytes_down} == {len(FIRST), len(SECOND)}


async def test_both_ways_at_once() -> None:
    async with joining() as joined:
        client, backend = await joined.connect()
        ends = {}

        async def receive(name: str, sock: SocketType) -> None:
            ends[name] = await receive_to_end(sock)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(say_all, client, FIRST)
            nursery.start_soon(say_all, backend, SECOND)
            nursery.start_soon(receive, "client", client)
            nursery.start_soon(receive, "backend", backend)
        assert (ends["client"].data, ends["client"].errno) == (SECOND, 0)
        assert (ends["backend"].data, ends["backend"].errno) == (FIRST, 0)
        assert str((await joined.record()).ending) == "--"


@pytest.mark.parametrize(("first", "ending"), [("client", "sD"), ("backend", "cD")])
async def test_half_close_timeout_blames_who_does_not_finish(first: str, ending: str) -> None:
    async with joining(half_close_timeout=0.3) as joined:
        client, backend = await joined.connect()
        early, late = (client, backend) if first == "client" else (backend, client)
        await say_all(early, b"done")
        assert (await receive_to_end(late)).data == b"done"
        assert (await receive_to_end(early)).errno in RESETS
        with pytest.raises(BrokenPipeError):
            await late.send(b"x")
        record = await joined.record()
        assert (str(record.ending), record.closed_first) == (ending, first)


@pytest.mark.parametrize(("last", "ending"), [("client", "sD"), ("backend", "cD")])
async def test_idle_timeout_blames_who_should_have_answered(last: str, ending: str) -> None:
    async with joining(idle_timeout=0.3) as joined:
        client, backend = await joined.connect()
        await send(client, b"ping")
        assert await receive_exactly(backend, 4) == b"ping"
        if last == "backend":
            await send(backend, b"pong")
            assert await receive_exactly(client, 4) == b"pong"
        assert (await receive_to_end(client)).errno in RESETS
        assert (await receive_to_end(backend)).errno in RESETS
        assert str((await joined.record()).ending) == ending


async def test_idle_timeout_with_nothing_said_blames_the_client() -> None:
    async with joining(idle_timeout=0.3) as joined:
        client, _backend = await joined.connect()
        assert (await receive_to_end(client)).errno in RESETS
        assert str((await joined.record()).ending) == "cD"


async def test_idle_timeout_ends_a_connection_whose_reader_has_stopped() -> None:
    async with joining(idle_timeout=0.4) as joined:
        client, backend = await joined.connect()
        assert await send_until_broken(client) in RESETS
        assert str((await joined.record()).ending) == "sD"
        assert (await receive_to_end(backend)).errno in RESETS


async def test_trickle_outlives_the_idle_timeout() -> None:
    idle = 0.6
    async with joining(idle_timeout=idle) as joined:
        client, backend = await joined.connect()
        end = trio.current_time() + 3 * idle
        while trio.current_time() < end:
            await send(client, b".")
            assert await receive_exactly(backend, 1) == b"."
            await trio.sleep(idle / 20)
        assert not joined.records


async def test_lifetime_cuts_a_busy_connection() -> None:
    async with joining(lifetime=0.2, lifetime_jitter=0) as joined:
        client, backend = await joined.connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive_to_end, backend)
            assert await send_until_broken(client) in RESETS
        record = await joined.record()
        assert str(record.ending) == "PD"
        assert 0.2 <= record.total_time < 1
