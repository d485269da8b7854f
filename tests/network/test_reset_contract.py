"""How a reset is told: over memory, TCP on IPv4 and IPv6, and Unix sockets alike."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Protocol

import pytest
import trio
from support.eventually import eventually
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import PeerReset, Stream

if TYPE_CHECKING:
    pass


class Pairs(Protocol):
    async def connect(self) -> tuple[Stream, Stream]: ...
    async def connect_clogged(self) -> tuple[Stream, Stream]: ...


def told_errno(excinfo: pytest.ExceptionInfo[PeerReset]) -> int | None:
    cause = excinfo.value.__cause__
    assert isinstance(cause, OSError)
    return cause.errno


async def receive_all(stream: Stream) -> bytes:
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


async def fill(stream: Stream) -> None:
    """Send in vain: until the window is full and the scope around is cancelled."""
    while True:
        await stream.send_all(bytes(1 << 16))


async def test_reset_is_told_once_to_the_receiver(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    client.reset()
    with pytest.raises(PeerReset) as excinfo:
        await server.receive_some()
    assert told_errno(excinfo) == errno.ECONNRESET
    assert await server.receive_some() == b""
    with pytest.raises(PeerReset) as excinfo:
        await server.send_all(b"x")
    assert told_errno(excinfo) == errno.EPIPE


async def test_reset_wakes_a_receiver(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()

    async def receive() -> None:
        with pytest.raises(PeerReset):
            await server.receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        client.reset()


async def test_reset_is_told_once_to_the_sender(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    client.reset()
    await eventually(lambda: bool(told))
    with pytest.raises(PeerReset) as excinfo:
        await server.send_all(b"x")
    assert told_errno(excinfo) == errno.ECONNRESET
    assert await server.receive_some() == b""
    assert server.sent == 0


async def test_bytes_delivered_before_a_reset_are_received_first(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    await client.send_all(b"delivered")
    client.reset()
    assert await server.receive_some() == b"delivered"
    with pytest.raises(PeerReset):
        await server.receive_some()
    assert await server.receive_some() == b""


async def test_bytes_survive_a_reset_that_the_sender_was_told(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await client.send_all(b"delivered")
    client.reset()
    await eventually(lambda: bool(told))
    with pytest.raises(PeerReset):
        await server.send_all(b"x")
    assert await receive_all(server) == b"delivered"


async def test_reset_after_a_fin_is_told_to_the_sender_only(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await client.send_eof()
    assert await server.receive_some() == b""
    client.reset()
    await eventually(lambda: bool(told))
    assert await server.receive_some() == b""
    with pytest.raises(PeerReset) as excinfo:
        await server.send_all(b"x")
    assert told_errno(excinfo) == errno.EPIPE


async def test_reset_after_our_fin_is_told(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    await server.send_eof()
    client.reset()
    with pytest.raises(PeerReset):
        await server.receive_some()
    assert await server.receive_some() == b""


async def test_reset_after_both_fins_is_nothing(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await client.send_eof()
    await server.send_eof()
    assert await server.receive_some() == b""
    assert await client.receive_some() == b""
    client.reset()
    await wait_all_tasks_blocked()
    assert not told
    assert await server.receive_some() == b""


async def test_reset_drops_what_has_not_arrived_and_its_fin(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    with trio.move_on_after(0.05):
        await fill(client)
    await client.send_eof()
    assert client.unsent() > 0
    client.reset()
    with pytest.raises(PeerReset):
        await receive_all(server)
    assert 0 < server.received < client.sent


async def test_end_of_file_cannot_follow_a_reset(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    client.reset()
    await eventually(lambda: bool(told))
    with pytest.raises(PeerReset) as excinfo:
        await server.send_eof()
    assert told_errno(excinfo) == errno.ENOTCONN
    with pytest.raises(PeerReset) as excinfo:
        await server.receive_some()
    assert told_errno(excinfo) == errno.ECONNRESET


async def test_closing_with_unread_bytes_resets(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    await server.send_all(b"never read")
    await eventually(client.has_unread)
    client.close()
    with pytest.raises(PeerReset):
        await server.receive_some()


async def test_sending_to_who_has_closed_breaks(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    client.close()
    assert await server.receive_some() == b""
    with pytest.raises(PeerReset):
        await fill(server)
    assert await server.receive_some() == b""


async def test_reset_wakes_a_blocked_sender(tcp_pairs: Pairs) -> None:
    client, server = await tcp_pairs.connect_clogged()

    async def send() -> None:
        with pytest.raises(PeerReset):
            await server.send_all(b"x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        client.reset()
