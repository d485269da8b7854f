"""What only the real stream has; what all streams promise is in test_stream_contract.py."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from trio_balancer.network import SocketStream
from trio_balancer.network.poller import Poller
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[SocketStream, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    yield SocketStream(ours, UnixAddress(""), Poller()), theirs
    ours.close()
    theirs.close()


Pair = tuple[SocketStream, socket.socket]


async def test_plain_socket_is_reachable(pair: Pair) -> None:
    stream, theirs = pair
    theirs.sendall(b"past the stream")
    assert stream.socket.recv(100) == b"past the stream"
    assert stream.received == 0


async def test_local_address_is_asked_once(pair: Pair) -> None:
    stream, _theirs = pair
    assert stream.local_address == UnixAddress("")
    stream.close()
    assert stream.local_address == UnixAddress("")


async def test_local_address_cannot_be_asked_after_closing(pair: Pair) -> None:
    stream, _theirs = pair
    stream.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        _ = stream.local_address


async def test_receiving_survives_a_false_alarm(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, theirs = pair
    alarms: list[socket.socket] = []
    wait_readable = trio.lowlevel.wait_readable

    async def wait_or_not(sock: socket.socket) -> None:
        alarms.append(sock)
        if len(alarms) == 1:
            return
        theirs.sendall(b"x")
        await wait_readable(sock)

    monkeypatch.setattr(trio.lowlevel, "wait_readable", wait_or_not)
    assert await stream.receive_some() == b"x"
    assert len(alarms) == 2


async def test_second_receiver_is_refused(pair: Pair) -> None:
    stream, _theirs = pair
    with pytest.RaisesGroup(trio.BusyResourceError):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.receive_some)
            nursery.start_soon(stream.receive_some)


async def test_elsewhere_nobody_says_what_is_unsent(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, _theirs = pair
    await stream.send_all(b"unread")
    assert stream.unsent() > 0
    monkeypatch.setattr(sys, "platform", "darwin")
    assert stream.unsent() == 0
