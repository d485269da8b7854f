from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import SocketListener, SocketNetwork, SocketOptions
from trio_balancer.network.poller import Poller
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPTIONS = SocketOptions()


@pytest.fixture
def network() -> SocketNetwork:
    return SocketNetwork()


@pytest.fixture
async def listener(network: SocketNetwork) -> AsyncIterator[SocketListener]:
    listener = await network.listen(inet_address("127.0.0.1", 0), backlog=10, options=OPTIONS)
    yield listener
    listener.close()


async def test_nobody_waits(listener: SocketListener) -> None:
    with pytest.raises(BlockingIOError):
        listener.accept_nowait()


async def test_closing_wakes_who_waits(listener: SocketListener) -> None:
    async def wait() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await listener.wait_ready()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        listener.close()
    with pytest.raises(trio.ClosedResourceError):
        await listener.wait_ready()
    with pytest.raises(trio.ClosedResourceError):
        listener.accept_nowait()


async def test_only_our_own_flag_means_closed(listener: SocketListener) -> None:
    listener.socket.shutdown(socket.SHUT_RDWR)
    with pytest.raises(OSError, match="Invalid argument") as excinfo:
        listener.accept_nowait()
    assert excinfo.value.errno == errno.EINVAL
    listener.socket.close()
    with pytest.raises(OSError, match="Bad file descriptor") as excinfo:
        listener.accept_nowait()
    assert excinfo.value.errno == errno.EBADF


async def test_client_that_has_reset_is_accepted(
    network: SocketNetwork, listener: SocketListener
) -> None:
    client = await network.connect(listener.address, options=OPTIONS)
    address = client.local_address
    client.reset()
    await listener.wait_ready()
    server = listener.accept_nowait()
    assert server.remote_address == address
    server.close()


class _Moody(socket.socket):
    """Says of the first clients that they are gone."""

    def __init__(self) -> None:
        super().__init__()
        self.moods = [errno.ECONNABORTED, errno.ENETDOWN, errno.EMFILE]

    def accept(self) -> tuple[socket.socket, Any]:
        mood = self.moods.pop(0)
        raise OSError(mood, os.strerror(mood))


async def test_every_error_of_accept_is_raised() -> None:
    sock = _Moody()
    sock.bind(("127.0.0.1", 0))
    listener = SocketListener(sock, Poller(), 10)
    for mood in list(sock.moods):
        with pytest.raises(OSError, match=os.strerror(mood)):
            listener.accept_nowait()
    assert not sock.moods
    listener.close()
