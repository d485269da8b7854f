from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trio
from support.world import FRONT, OPTIONS, is_reset
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.control.admin.stream import PATIENCE, PatientStream
from trio_balancer.testing import MemoryNetwork, MemoryStream


async def pair() -> tuple[MemoryStream, MemoryStream]:
    network = MemoryNetwork()
    listener = await network.listen(FRONT, backlog=1, options=OPTIONS)
    client = await network.connect(FRONT, options=OPTIONS)
    served = listener.accept_nowait()
    listener.close()
    return client, served


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """Give a test a socket, of which only Hypercorn wants to know something."""
    with socket.socket() as opened:
        yield opened


async def test_carries_bytes_both_ways(sock: socket.socket) -> None:
    client, served = await pair()
    stream = PatientStream(served, sock)
    await client.send_all(b"question")
    assert await stream.receive_some(100) == b"question"
    await stream.send_all(b"answer")
    await stream.send_eof()
    assert await client.receive_some() == b"answer"
    assert await client.receive_some() == b""
    await stream.aclose()
    client.close()


async def test_the_end_is_noted(autojump_clock: MockClock, sock: socket.socket) -> None:
    client, served = await pair()
    stream = PatientStream(served, sock)
    await client.send_all(b"question")
    await stream.receive_some(100)
    assert not stream.gone.is_set()
    await trio.sleep(1)
    client.close()
    assert await stream.receive_some(100) == b""
    assert stream.gone.is_set()
    assert stream.idle_since == 1
    await stream.aclose()


async def test_being_sent_away_is_noted(sock: socket.socket) -> None:
    client, served = await pair()
    stream = PatientStream(served, sock)
    stream.send_away()
    with pytest.raises(trio.ClosedResourceError):
        await stream.receive_some(100)
    assert stream.gone.is_set()
    client.close()


async def test_who_does_not_read_is_reset(autojump_clock: MockClock, sock: socket.socket) -> None:
    client, served = await pair()
    stream = PatientStream(served, sock)
    with pytest.raises(trio.BrokenResourceError, match="does not read"):
        await stream.send_all(bytes(10_000_000))
    assert trio.current_time() == PATIENCE
    assert stream.gone.is_set()
    assert await is_reset(client)
    client.close()


async def test_sent_away_it_ends_a_shielded_send(sock: socket.socket) -> None:
    client, served = await pair()
    stream = PatientStream(served, sock)

    async def send() -> None:
        with trio.CancelScope(shield=True), pytest.raises(trio.ClosedResourceError):
            await stream.send_all(bytes(10_000_000))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        stream.send_away()
    client.close()
