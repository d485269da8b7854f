"""What holds for a listening address of either network: closed for a while, and kept."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.places import KINDS, open_network
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import SocketOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio_balancer.network import Network, Stream
    from trio_balancer.network.seam import Listener
    from trio_balancer.wire.address import SocketAddress

OPTIONS = SocketOptions()


@attrs.define(eq=False)
class Place:
    """An address, and what can be done there."""

    network: Network
    address: SocketAddress
    streams: list[Stream] = attrs.Factory(list)

    async def listen(self, backlog: int = 10) -> Listener:
        listener = await self.network.listen(self.address, backlog=backlog, options=OPTIONS)
        self.address = listener.address
        return listener

    async def dial(self) -> Stream:
        stream = await self.network.connect(self.address, options=OPTIONS)
        self.streams.append(stream)
        return stream


@asynccontextmanager
async def open_place(kind: str, directory: Path) -> AsyncIterator[Place]:
    async with open_network(kind, directory) as (network, address):
        place = Place(network, address)
        yield place
        for stream in place.streams:
            stream.close()


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(request.param, tmp_path) as opened:
        yield opened


async def accept(listener: Listener) -> None:
    with trio.fail_after(10):
        await listener.wait_ready()
    listener.accept_nowait().close()


async def test_paused_it_refuses_and_resumed_it_accepts(place: Place) -> None:
    listener = await place.listen()
    for _ in range(3):
        listener.pause()
        listener.pause()
        with pytest.raises(ConnectionRefusedError):
            await place.dial()
        listener.resume()
        listener.resume()
        await place.dial()
        await accept(listener)
    listener.close()


async def test_paused_nobody_is_there(place: Place) -> None:
    listener = await place.listen()
    listener.pause()
    with pytest.raises(BlockingIOError):
        listener.accept_nowait()
    with trio.move_on_after(0.02) as patience:
        await listener.wait_ready()
    assert patience.cancelled_caught
    listener.close()


async def test_who_waits_for_clients_goes_on_waiting(place: Place, nursery: trio.Nursery) -> None:
    listener = await place.listen()
    accepted = trio.Event()

    async def wait() -> None:
        await listener.wait_ready()
        listener.accept_nowait().close()
        accepted.set()

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    listener.pause()
    await wait_all_tasks_blocked()
    assert not accepted.is_set()
    listener.resume()
    await place.dial()
    with trio.fail_after(10):
        await accepted.wait()
    listener.close()


async def test_closed_while_it_is_paused_it_says_so_to_who_waits(
    place: Place, nursery: trio.Nursery
) -> None:
    listener = await place.listen()
    listener.pause()
    told = trio.Event()

    async def wait() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await listener.wait_ready()
        told.set()

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    listener.close()
    with trio.fail_after(10):
        await told.wait()


# Not a Unix socket's: whoever may write in its directory can replace it.
@pytest.mark.parametrize("place", ["memory", "ipv4", "ipv6"], indirect=True)
async def test_its_address_cannot_be_taken_meanwhile(place: Place) -> None:
    listener = await place.listen()
    listener.pause()
    with pytest.raises(OSError, match="in use"):
        await place.network.listen(listener.address, backlog=1, options=OPTIONS)
    listener.resume()
    await place.dial()
    await accept(listener)
    listener.close()


async def test_who_is_connected_notices_nothing(place: Place) -> None:
    listener = await place.listen()
    client = await place.dial()
    await listener.wait_ready()
    server = listener.accept_nowait()
    for change in (listener.pause, listener.resume, listener.pause):
        change()
        await client.send_all(b"ping")
        assert await server.receive_some() == b"ping"
    server.close()
    listener.close()
    # A Unix socket's path is removed with it.
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await place.dial()


async def test_closed_it_does_nothing_more(place: Place) -> None:
    listener = await place.listen()
    listener.close()
    for change in (listener.pause, listener.resume):
        with pytest.raises(trio.ClosedResourceError):
            change()
    with pytest.raises(trio.ClosedResourceError):
        listener.configure(backlog=1, options=OPTIONS)


async def test_other_settings_leave_who_waits_there(place: Place) -> None:
    listener = await place.listen()
    await place.dial()
    await place.dial()
    listener.configure(backlog=5, options=SocketOptions(keepalive=9.0, user_timeout=7.0))
    await accept(listener)
    await accept(listener)
    listener.pause()
    listener.configure(backlog=5, options=OPTIONS)
    with pytest.raises(ConnectionRefusedError):
        await place.dial()
    listener.resume()
    await place.dial()
    await accept(listener)
    listener.close()
