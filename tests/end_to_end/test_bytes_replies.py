"""A server that answers and closes during the upload: its whole answer arrives, then an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.eventually import eventually
from support.joined import Joined, joining
from support.plain import CHUNK, RESETS, End, all_acknowledged, clog, receive_to_end, send, unread
from support.scale import scaled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio.socket import SocketType

ANSWER = bytes(range(250)) * 1600
UPLOAD = 16 << 20
# A client that does not read yet must have room for the answer, or even with no balancer between
# them it and a server that does not read would wait for each other for ever. With the small
# window, part of the answer waits in the balancer's kernel buffer until the client reads.
LARGE_WINDOW = 1 << 20
SMALL_WINDOW = 150_000


async def answer_and_close(backend: SocketType) -> None:
    """Answer without having read the upload; closing with unread bytes resets."""
    await backend.recv(CHUNK)
    await send(backend, ANSWER)
    await all_acknowledged(backend)
    backend.close()


async def answer_finish_and_close(backend: SocketType) -> None:
    await backend.recv(CHUNK)
    await send(backend, ANSWER)
    backend.shutdown(trio.socket.SHUT_WR)
    await all_acknowledged(backend)
    backend.close()


async def upload(client: SocketType) -> int:
    """Send it all; returns the errno of what went wrong, 0 if nothing did."""
    sent = 0
    try:
        while sent < UPLOAD:
            sent += await client.send(bytes(CHUNK))
    except OSError as error:
        return error.errno or 0
    return 0


async def send_then_read(client: SocketType) -> tuple[int, End]:
    """Do what a client of one thread does: it reads nothing before all is sent."""
    error = await upload(client)
    return error, await receive_to_end(client)


async def send_and_read(client: SocketType) -> tuple[int, End]:
    """Upload for ever until it breaks, and read at the same time."""
    errors: list[int] = []

    async def keep_sending() -> None:
        while not errors or not errors[-1]:
            errors.append(await upload(client))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_sending)
        end = await receive_to_end(client)
    return errors[-1], end


async def exchange(
    joined: Joined,
    serve: Callable[[SocketType], Awaitable[None]],
    use: Callable[[SocketType], Awaitable[tuple[int, End]]],
    window: int = LARGE_WINDOW,
) -> tuple[int, End]:
    client, backend = await joined.connect(window=window)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, backend)
            result = await use(client)
    client.close()
    return result


@pytest.mark.heavy
@pytest.mark.parametrize("window", [LARGE_WINDOW, SMALL_WINDOW])
@pytest.mark.parametrize("serve", [answer_and_close, answer_finish_and_close])
@pytest.mark.parametrize("use", [send_then_read, send_and_read])
async def test_whole_answer_arrives_before_the_error(
    use: Callable[[SocketType], Awaitable[tuple[int, End]]],
    serve: Callable[[SocketType], Awaitable[None]],
    window: int,
) -> None:
    async with joining() as joined:
        for number in range(scaled(100)):
            error, end = await exchange(joined, serve, use, window)
            assert end.data == ANSWER
            # On whichever call meets it; a server that had finished before has said that much.
            if serve is answer_and_close or use is send_and_read:
                assert (error or end.errno) in RESETS
            assert str((await joined.record(number)).ending) == "SD"


async def test_record_counts_what_was_delivered() -> None:
    async with joining() as joined:
        await exchange(joined, answer_and_close, send_then_read)
        record = await joined.record()
        assert record.bytes_down == len(ANSWER)
        assert 0 < record.bytes_up < UPLOAD


async def test_client_that_never_reads_the_answer_is_waited_for_half_close_timeout() -> None:
    async with joining(half_close_timeout=0.2) as joined:
        client, backend = await joined.connect()
        await clog(backend)
        await send(client, b"the backend never reads this")
        await eventually(lambda: unread(backend) > 0)
        backend.close()
        assert str((await joined.record()).ending) == "SD"
        assert (await receive_to_end(client)).errno in RESETS
