from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
import trio
from support.eventually import eventually
from support.tls import VERSIONS, Rig, memory_ends
from trio.testing import assert_checkpoints, check_two_way_stream, wait_all_tasks_blocked

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


async def clog(stream: TlsStream) -> None:
    """Send until the scope around is cancelled."""
    while True:
        await stream.send_all(bytes(1 << 16))


async def test_trio_contract(rig: Rig, pairs: Pairs) -> None:
    async def connect() -> tuple[TlsStream, TlsStream]:
        return await rig.connect(await pairs.connect())

    await check_two_way_stream(connect, None)


async def cancel_a_send(stream: TlsStream) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clog, stream)
            await wait_all_tasks_blocked()
            scope.cancel()


async def test_a_cancelled_send_breaks_the_stream(rig: Rig) -> None:
    client, server = await rig.connect()
    await cancel_a_send(client)
    assert client.sent < client.moved()
    for call in (client.wait_send_all_might_not_block, client.send_eof):
        with pytest.raises(PeerReset, match="since an earlier call"):
            await call()
    with pytest.raises(trio.ClosedResourceError, match="sent its end-of-file"):
        await client.send_all(b"x")
    client.close()
    with pytest.raises(PeerReset, match="without TLS's close_notify"):
        await receive_all(server)


async def test_after_a_cancelled_send_the_peer_can_go_on(rig: Rig) -> None:
    client, server = await rig.connect()
    await cancel_a_send(server)
    sent = server.moved()

    async def upload_then_read() -> None:
        await client.send_all(bytes(1 << 20))
        with pytest.raises(PeerReset, match="without TLS's close_notify"):
            await receive_all(client)

    async def drop() -> None:
        with pytest.raises(PeerReset, match="since an earlier call"):
            await server.receive_some()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(upload_then_read)
        nursery.start_soon(drop)
        await wait_all_tasks_blocked()
        assert server.moved() > sent + (1 << 20)
        await server._below.send_eof()
        await wait_all_tasks_blocked()
        client.close()


async def test_bytes_arrive_in_order_and_plaintext_is_counted(rig: Rig, pairs: Pairs) -> None:
    client, server = await rig.connect(await pairs.connect())
    payload = bytes(range(256)) * 4096

    async def send() -> None:
        await client.send_all(payload)
        await client.send_eof()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        assert await receive_all(server) == payload
    assert client.sent == server.received == len(payload)
    assert client.received == server.sent == 0
    assert server.moved() > len(payload)
    await server.aclose()
    await client.aclose()


async def test_the_plain_socket_is_hidden_and_the_addresses_are_not(rig: Rig, pairs: Pairs) -> None:
    client, server = await rig.connect(await pairs.connect())
    assert client.socket is server.socket is None
    assert client.remote_address == server.local_address
    assert server.remote_address == client.local_address


async def test_receive_some_takes_no_more_than_it_is_told(rig: Rig) -> None:
    client, server = await rig.connect()
    await client.send_all(memoryview(b"abcd").cast("I"))
    assert await server.receive_some(3) == b"abc"
    assert server.has_unread()
    assert await server.receive_some(3) == b"d"
    assert not server.has_unread()
    with pytest.raises(ValueError, match="at least 1"):
        await server.receive_some(0)


async def test_unread_bytes_are_told_wherever_they_wait(rig: Rig) -> None:
    client, server = await rig.connect()
    assert not server.has_unread()
    await client.send_all(bytes(40_000))  # three records
    assert server.has_unread()
    while server.received < 40_000:
        assert server.has_unread()
        await server.receive_some(10_000)
    assert not server.has_unread()
    await client.send_all(b"x")
    server.close()
    assert not server.has_unread()


async def test_what_the_kernel_has_not_delivered_is_unsent(rig: Rig) -> None:
    client, server = await rig.connect()
    assert client.unsent() == 0
    await client.send_all(bytes(50_000))
    assert client.unsent() > 0
    await server.receive_some()
    assert client.unsent() == 0


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_closed_stream_does_nothing_more(rig: Rig, how: str) -> None:
    client, _server = await rig.connect()
    getattr(client, how)()
    client.close()
    client.reset()
    assert client.unsent() == 0
    for call in (client.receive_some, client.send_eof, client.wait_send_all_might_not_block):
        with pytest.raises(trio.ClosedResourceError):
            await call()
    with pytest.raises(trio.ClosedResourceError):
        await client.send_all(b"x")
    with assert_checkpoints():
        await client.aclose()


async def test_closing_wakes_whoever_receives_or_sends(rig: Rig) -> None:
    client, _server = await rig.connect()

    async def receive() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await client.receive_some()

    async def send() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await clog(client)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        client.close()


async def test_a_reset_is_a_reset(rig: Rig) -> None:
    client, server = await rig.connect()
    told: list[bool] = []
    server.call_on_reset(lambda: told.append(True))
    client.reset()
    await eventually(lambda: bool(told))
    with pytest.raises(PeerReset, match="connection broke"):
        await server.receive_some()
    with pytest.raises(PeerReset):
        await server.send_all(b"x")


async def test_bytes_survive_a_reset_that_the_sender_was_told(rig: Rig) -> None:
    client, server = await rig.connect()
    await client.send_all(b"the answer")
    client.reset()
    for _ in range(2):
        with pytest.raises(PeerReset):
            await server.send_all(b"the upload")
    assert server.sent == 0
    assert await server.receive_some() == b"the answer"
    with pytest.raises(PeerReset, match="without TLS's close_notify"):
        await server.receive_some()


async def test_a_fin_without_close_notify_is_a_reset(rig: Rig, pairs: Pairs) -> None:
    client, server = await rig.connect(await pairs.connect())
    await client.send_all(b"half")
    client.close()
    assert await server.receive_some() == b"half"
    for _ in range(2):
        with pytest.raises(PeerReset):
            await server.receive_some()
    with pytest.raises(PeerReset):
        await server.send_eof()


async def test_a_broken_record_is_a_reset(rig: Rig) -> None:
    dialled, accepted = memory_ends()
    client, server = await rig.connect((dialled, accepted))
    await client.send_all(b"good")
    await dialled.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert await server.receive_some() == b"good"
    with pytest.raises(PeerReset, match=r"the TLS connection broke: .*bad record mac"):
        await server.receive_some()


async def test_a_sender_is_alone(rig: Rig) -> None:
    client, _server = await rig.connect()

    async def send() -> None:
        with trio.move_on_after(0.05):
            await clog(client)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        for call in (client.send_eof, client.wait_send_all_might_not_block):
            with pytest.raises(trio.BusyResourceError):
                await call()


async def test_room_to_send_is_waited_for(rig: Rig) -> None:
    client, server = await rig.connect()
    await client.wait_send_all_might_not_block()
    with trio.move_on_after(0.01):
        await server.wait_send_all_might_not_block()
    server.reset()
    await client.wait_send_all_might_not_block()  # a send would fail at once
