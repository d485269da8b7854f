"""Where tests of a network listen: on both networks, in every family of addresses."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from trio_balancer.network import Network, SocketNetwork
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Those that carry a reset; a Unix socket's `reset` is a close.
TCP_KINDS = ("memory", "ipv4", "ipv6")
KINDS = (*TCP_KINDS, "unix")


@asynccontextmanager
async def open_network(kind: str, directory: Path) -> AsyncIterator[tuple[Network, SocketAddress]]:
    """Run a network meanwhile; yield it, and a free address of it."""
    addresses: dict[str, SocketAddress] = {
        "memory": inet_address("127.0.0.1", 0),
        "ipv4": inet_address("127.0.0.1", 0),
        "ipv6": inet_address("::1", 0),
        "unix": UnixAddress(str(directory / "socket")),
    }
    network = MemoryNetwork() if kind == "memory" else SocketNetwork()
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        yield network, addresses[kind]
        nursery.cancel_scope.cancel()
