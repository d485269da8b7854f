"""What every `Stream` promises: over memory, TCP on IPv4 and IPv6, and Unix sockets alike."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Protocol

import pytest
import trio
from support.eventually import eventually
from trio.testing import assert_checkpoints, check_half_closeable_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.network import Stream


class Pairs(Protocol):
    async def connect(self) -> tuple[Stream, Stream]: ...
    async def connect_clogged(self) -> tuple[Stream, Stream]: ...


async def receive_all(stream: Stream) -> bytes:
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


async def test_trio_contract(pairs: Pairs) -> None:
    await check_half_closeable_stream(pairs.connect, pairs.connect_clogged)


async def test_each_end_knows_both_addresses(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    assert client.remote_address == server.local_address
    assert server.remote_address == client.local_address


async def test_bytes_arrive_in_order_and_are_counted(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    payload = bytes(range(256)) * 4096

    async def send() -> None:
        await client.send_all(payload)
        await client.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        assert await receive_all(server) == payload
    assert client.sent == server.received == len(payload)
    assert client.received == server.sent == 0


async def test_receive_some_takes_no_more_than_it_is_told(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    await client.send_all(b"abc")
    assert await server.receive_some(2) == b"ab"
    assert await server.receive_some(2) == b"c"
    with pytest.raises(ValueError, match="at least 1"):
        await server.receive_some(0)


async def test_wider_memoryviews_are_sent_byte_by_byte(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    await client.send_all(memoryview(b"abcdefgh").cast("I"))
    await client.send_eof()
    assert await receive_all(server) == b"abcdefgh"


async def test_end_of_file_follows_the_bytes_and_stays(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    await client.send_all(b"last words")
    client.close()
    assert await server.receive_some() == b"last words"
    assert await server.receive_some() == b""
    assert await server.receive_some() == b""


@pytest.mark.parametrize("first", [0, 1])
async def test_half_close_leaves_the_other_direction_open(pairs: Pairs, first: int) -> None:
    both = await pairs.connect()
    finisher, other = both[first], both[1 - first]
    await finisher.send_all(b"question")
    await finisher.send_eof()
    assert await receive_all(other) == b"question"
    await other.send_all(b"answer")
    await other.send_eof()
    assert await receive_all(finisher) == b"answer"


async def test_cancelled_send_counts_what_went(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    with trio.move_on_after(0.05) as scope:
        await client.send_all(bytes(1 << 24))
    assert scope.cancelled_caught
    assert 0 < client.sent < 1 << 24
    client.close()
    assert len(await receive_all(server)) == client.sent == server.received


async def test_full_window_is_unsent_until_the_peer_reads(pairs: Pairs) -> None:
    client, server = await pairs.connect_clogged()
    assert client.unsent() > 0
    assert server.has_unread()
    client_sent = client.sent
    while server.received < client_sent:
        await server.receive_some()
    await eventually(lambda: client.unsent() == 0)
    assert not server.has_unread()


async def test_quiet_stream_has_nothing_unsent_or_unread(pairs: Pairs) -> None:
    client, server = await pairs.connect()
    assert client.unsent() == 0
    assert not server.has_unread()
    await client.send_all(b"x")
    await eventually(server.has_unread)
    assert await server.receive_some() == b"x"
    assert not server.has_unread()
    await client.send_eof()
    assert await server.receive_some() == b""
    assert not server.has_unread()


@pytest.mark.parametrize("close", [methodcaller("close"), methodcaller("reset")])
async def test_closed_stream_does_nothing_more(
    pairs: Pairs, close: Callable[[Stream], None]
) -> None:
    client, _server = await pairs.connect()
    told: list[bool] = []
    client.call_on_reset(lambda: told.append(True))
    close(client)
    client.close()
    client.reset()
    client.call_on_reset(lambda: told.append(True))
    client.call_on_reset(None)
    assert client.unsent() == 0
    assert not client.has_unread()
    for call in (client.receive_some, client.send_eof, client.wait_send_all_might_not_block):
        with pytest.raises(trio.ClosedResourceError):
            await call()
    with pytest.raises(trio.ClosedResourceError):
        await client.send_all(b"x")
    with assert_checkpoints():
        await client.aclose()
    assert not told


async def test_closing_while_send_eof_passes_its_checkpoint(pairs: Pairs) -> None:
    client, _server = await pairs.connect()

    async def finish() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await client.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(finish)
        await trio.lowlevel.cancel_shielded_checkpoint()
        client.close()
