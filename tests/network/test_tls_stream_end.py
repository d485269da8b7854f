"""How a TLS connection ends: a close_notify of either side, and what may still be said."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
import trio
from support.eventually import eventually
from support.tls import VERSIONS, Rig, half_close
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import PeerReset, Stream
from trio_balancer.network.tls_stream import TlsStream


class Pairs(Protocol):
    async def connect(self) -> tuple[Stream, Stream]: ...


@pytest.fixture(params=VERSIONS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, request.param)


async def receive_all(stream: Stream) -> bytes:
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


@pytest.mark.parametrize("finisher", [0, 1])
async def test_the_reply_goes_on_after_the_peers_end(rig: Rig, pairs: Pairs, finisher: int) -> None:
    both = await rig.connect(await pairs.connect())
    asking, answering = both[finisher], both[1 - finisher]
    await asking.send_all(b"question")
    await half_close(asking)
    assert await receive_all(answering) == b"question"
    assert await answering.receive_some() == b""
    await answering.send_all(b"answer")
    await answering.send_eof()
    assert await receive_all(asking) == b"answer"


async def test_our_end_ends_receiving_too(rig: Rig, pairs: Pairs) -> None:
    client, server = await rig.connect(await pairs.connect())
    received: list[bytes] = []

    async def receive() -> None:
        received.append(bytes(await server.receive_some()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await server.send_eof()
    assert received == [b""]
    await client.send_all(b"too late")
    assert await server.receive_some() == b""
    assert await client.receive_some() == b""


async def test_our_end_comes_once_and_last(rig: Rig) -> None:
    client, server = await rig.connect()
    await server.send_all(b"last words")
    await server.send_eof()
    await server.send_eof()
    with pytest.raises(trio.ClosedResourceError, match="sent its end-of-file"):
        await server.send_all(b"x")
    server.close()
    assert await receive_all(client) == b"last words"


async def test_our_end_is_sent_before_the_fin(rig: Rig, pairs: Pairs) -> None:
    client, server = await rig.connect(await pairs.connect())
    await server.send_all(bytes(30_000))
    await server.send_eof()
    server.close()
    assert len(await receive_all(client)) == 30_000


async def test_our_end_is_sent_though_the_peer_still_sends(rig: Rig) -> None:
    client, server = await rig.connect()
    await client.send_all(bytes(30_000))
    assert len(await server.receive_some(10)) == 10  # the rest waits, undecrypted
    await server.send_eof()
    assert await server.receive_some() == b""
    assert await client.receive_some() == b""


async def test_both_may_end_at_once(rig: Rig) -> None:
    client, server = await rig.connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_eof)
        nursery.start_soon(server.send_eof)
    client.close()
    server.close()


async def test_a_peer_that_does_not_read_keeps_nobody_from_giving_up(rig: Rig) -> None:
    client, server = await rig.connect()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fill, server)
            await wait_all_tasks_blocked()
            scope.cancel()
    with pytest.raises(PeerReset, match="since an earlier call"):
        await server.send_eof()
    client.close()


async def fill(stream: TlsStream) -> None:
    while True:
        await stream.send_all(bytes(1 << 16))


async def test_a_blocked_end_can_be_cancelled(rig: Rig) -> None:
    _client, server = await rig.connect()
    await fill_below(server)
    received: list[bytes] = []

    async def receive() -> None:
        received.append(bytes(await server.receive_some()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0.02) as scope:
            await server.send_eof()
    assert scope.cancelled_caught
    assert received == [b""]
    with pytest.raises(PeerReset, match="since an earlier call"):
        await server.send_eof()
    with trio.move_on_after(0.02):
        await server.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await server.receive_some()


async def fill_below(stream: TlsStream) -> None:
    """Clog the connection without breaking what TLS knows of it."""
    with trio.move_on_after(0.02):
        await stream._below.send_all(bytes(1 << 20))


async def test_an_end_that_the_peer_cannot_hear_is_a_reset(rig: Rig) -> None:
    client, server = await rig.connect()
    client.reset()
    with pytest.raises(PeerReset, match="connection broke"):
        await server.send_eof()
    assert await server.receive_some() == b""


async def test_closing_while_send_eof_passes_its_checkpoint(rig: Rig) -> None:
    client, _server = await rig.connect()

    async def finish() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await client.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(finish)
        await trio.lowlevel.cancel_shielded_checkpoint()
        client.close()


async def test_closing_gently_after_the_peer_has_gone(rig: Rig) -> None:
    client, server = await rig.connect()
    client.reset()
    await server.aclose()
    with pytest.raises(trio.ClosedResourceError):
        await server.receive_some()


async def test_closing_gently_while_somebody_sends(rig: Rig) -> None:
    client, _server = await rig.connect()

    async def send() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await fill(client)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        await client.aclose()


async def test_both_directions_at_once(rig: Rig) -> None:
    client, server = await rig.connect()
    payload = bytes(300_000)

    async def receive(stream: TlsStream) -> None:
        while stream.received < len(payload):
            await stream.receive_some()

    async with trio.open_nursery() as nursery:
        for end in (client, server):
            nursery.start_soon(end.send_all, payload)
            nursery.start_soon(receive, end)


async def test_an_end_that_breaks_on_its_way_is_a_reset(rig: Rig) -> None:
    client, server = await rig.connect()
    await fill_below(server)

    async def finish() -> None:
        with pytest.raises(PeerReset, match="reset"):
            await server.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.receive_some)
        await wait_all_tasks_blocked()
        nursery.start_soon(finish)
        await wait_all_tasks_blocked()
        client.reset()
    assert server.left_below() is None


async def test_a_reset_after_the_peers_end_is_news_until_we_have_ended_too(rig: Rig) -> None:
    client, server = await rig.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await half_close(client)
    assert await server.receive_some() == b""
    client.reset()
    await eventually(lambda: bool(told))


async def test_a_reset_after_both_ends_is_no_news(rig: Rig) -> None:
    client, server = await rig.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    await half_close(client)
    assert await server.receive_some() == b""
    await server.send_eof()
    client.reset()
    await wait_all_tasks_blocked()
    assert told == []


async def test_the_stream_below_is_left_to_a_peer_that_has_not_ended(rig: Rig) -> None:
    client, server = await rig.connect()
    assert client.left_below() is None
    await server.send_eof()
    below = server.left_below()
    assert below is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(below.drop_the_rest)
        await client.send_all(bytes(300_000))
        client.reset()
    server.close()
    assert server.left_below() is None
