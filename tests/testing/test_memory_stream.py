"""What only the in-memory stream has; tests/network/test_stream_contract.py has the rest."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, cast

import pytest
import trio
from trio.testing import check_half_closeable_stream, wait_all_tasks_blocked

from trio_balancer.network import PeerReset
from trio_balancer.testing import MemoryStream, memory_connection
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT, SERVER = inet_address("192.0.2.1", 50000), inet_address("198.51.100.1", 80)


def connect(window: int = 8) -> tuple[MemoryStream, MemoryStream]:
    return memory_connection(CLIENT, SERVER, window=window)


async def clog(stream: MemoryStream) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, bytes(1 << 17))
            await wait_all_tasks_blocked()
            scope.cancel()


@pytest.mark.parametrize("window", [100, 65536])
async def test_trio_contract(window: int) -> None:
    async def maker() -> tuple[MemoryStream, MemoryStream]:
        return connect(window)

    async def clogged_maker() -> tuple[MemoryStream, MemoryStream]:
        client, server = connect(window)
        await clog(client)
        await clog(server)
        return client, server

    await check_half_closeable_stream(maker, clogged_maker)
    await check_half_closeable_stream(maker, None)


async def test_window_bounds_what_is_on_its_way() -> None:
    client, server = connect(window=8)
    await clog(client)
    assert client.sent == 8
    assert client.unsent() == 4
    assert await server.receive_some() == bytes(4)
    assert client.unsent() == 0
    await client.send_all(b"abcd")
    assert client.sent == 12


async def test_ends_know_their_addresses_and_have_no_socket() -> None:
    client, server = connect()
    assert (client.local_address, client.remote_address) == (CLIENT, SERVER)
    assert (server.local_address, server.remote_address) == (SERVER, CLIENT)
    assert client.socket is server.socket is None


async def test_size_must_be_a_positive_integer() -> None:
    client, _server = connect()
    with pytest.raises(TypeError):
        await client.receive_some(cast("int", 1.5))
    with pytest.raises(ValueError, match="at least 1"):
        await client.receive_some(-1)


async def test_each_end_says_once_that_it_is_closed() -> None:
    closed: list[MemoryStream] = []
    client, server = memory_connection(CLIENT, SERVER, on_close=closed.append)
    client.close()
    client.reset()
    server.reset()
    server.close()
    assert closed == [client, server]


async def test_reset_is_told_once_with_its_errno() -> None:
    client, server = connect()
    await client.send_all(b"ab")
    client.reset()
    assert await server.receive_some() == b"ab"
    with pytest.raises(PeerReset, match="Connection reset by peer") as excinfo:
        await server.receive_some()
    assert isinstance(excinfo.value.__cause__, ConnectionResetError)
    assert await server.receive_some() == b""
    with pytest.raises(PeerReset, match="Broken pipe"):
        await server.send_all(b"x")
    with pytest.raises(PeerReset, match="not connected") as excinfo:
        await server.send_eof()
    assert cast("OSError", excinfo.value.__cause__).errno == errno.ENOTCONN


async def test_reset_cuts_off_what_has_not_arrived() -> None:
    client, server = connect(window=8)
    await clog(client)
    await client.send_eof()
    client.reset()
    assert await server.receive_some() == bytes(4)
    with pytest.raises(PeerReset):
        await server.receive_some()


async def test_bytes_for_who_has_closed_are_taken_and_answered_with_a_reset() -> None:
    client, server = connect()
    client.close()
    assert await server.receive_some() == b""
    await server.send_all(b"into the void")
    assert server.sent == len(b"into the void")
    with pytest.raises(PeerReset, match="Broken pipe"):
        await server.send_all(b"x")


async def test_nothing_follows_two_fins() -> None:
    client, server = connect()
    await client.send_eof()
    await server.send_eof()
    client.reset()
    assert await server.receive_some() == b""
    server.reset()
    assert server.closed


async def test_closing_with_unread_bytes_resets() -> None:
    client, server = connect()
    await server.send_all(b"unread")
    client.close()
    with pytest.raises(PeerReset):
        await server.receive_some()


async def test_reset_of_both_ends_at_once() -> None:
    client, server = connect()
    client.reset()
    server.reset()
    assert client.closed
    assert server.closed


async def test_callback_comes_later_and_once() -> None:
    client, server = connect()
    told: list[str] = []
    server.call_on_reset(lambda: told.append("told"))
    client.reset()
    assert not told
    await wait_all_tasks_blocked()
    assert told == ["told"]
    server.call_on_reset(lambda: told.append("asked later"))
    assert told == ["told"]
    await wait_all_tasks_blocked()
    assert told == ["told", "asked later"]


def take_back(stream: MemoryStream) -> None:
    stream.call_on_reset(None)


@pytest.mark.parametrize("change_of_mind", [take_back, MemoryStream.close])
async def test_callback_under_way_can_still_be_taken_back(
    change_of_mind: Callable[[MemoryStream], None],
) -> None:
    client, server = connect()
    told: list[str] = []
    server.call_on_reset(lambda: told.append("told"))
    client.reset()
    change_of_mind(server)
    await wait_all_tasks_blocked()
    assert not told
    assert not server.has_unread()


async def test_reset_that_was_told_is_not_called_back() -> None:
    client, server = connect()
    client.reset()
    with pytest.raises(PeerReset):
        await server.send_all(b"x")
    told: list[str] = []
    server.call_on_reset(lambda: told.append("told"))
    await wait_all_tasks_blocked()
    assert not told


async def test_second_reset_changes_nothing() -> None:
    client, server = connect()
    client.close()
    await server.send_all(b"x")
    client.reset()
    server._break()
    with pytest.raises(PeerReset):
        await server.send_all(b"x")
    assert await server.receive_some() == b""
