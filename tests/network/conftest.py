"""Connected pairs of streams, from both networks, for the tests that hold for either."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.places import KINDS, TCP_KINDS, open_network

from trio_balancer.network import SocketOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio_balancer.network import Network, Stream
    from trio_balancer.wire.address import SocketAddress


@attrs.define(eq=False)
class _Pairs:
    """Makes connections over one network; closes at the end what a test has left open."""

    network: Network
    address: SocketAddress
    made: list[Stream] = attrs.field(factory=list)

    async def connect(self) -> tuple[Stream, Stream]:
        options = SocketOptions()
        listener = await self.network.listen(self.address, backlog=10, options=options)
        client = await self.network.connect(listener.address, options=options)
        await listener.wait_ready()
        server = listener.accept_nowait()
        listener.close()
        self.made += (client, server)
        return client, server

    async def connect_clogged(self) -> tuple[Stream, Stream]:
        client, server = await self.connect()
        for stream in (client, server):
            if stream.socket is not None:
                # Buffers of a fixed size: the kernel's own grow while they are being filled.
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        await clog(client)
        await clog(server)
        return client, server


async def clog(stream: Stream) -> None:
    """Send until the way is full and stays so."""
    before = -1
    while stream.sent != before:
        before = stream.sent
        with trio.move_on_after(0.02):
            await stream.send_all(bytes(1 << 20))


@asynccontextmanager
async def _pairs(kind: str, directory: Path) -> AsyncIterator[_Pairs]:
    async with open_network(kind, directory) as (network, address):
        pairs = _Pairs(network, address)
        yield pairs
        for stream in pairs.made:
            stream.close()


@pytest.fixture(params=KINDS)
async def pairs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[_Pairs]:
    """All kinds of stream."""
    async with _pairs(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=TCP_KINDS)
async def tcp_pairs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[_Pairs]:
    """The kinds of stream that carry a reset; a Unix socket's `reset` is a close."""
    async with _pairs(request.param, tmp_path) as made:
        yield made
