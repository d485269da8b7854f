"""Many short connections of every kind, some two hundred at a time."""

from __future__ import annotations

import random
import socket
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio
from support.plain import accept, dial, receive_to_end, reset

if TYPE_CHECKING:
    from trio.socket import SocketType

    from trio_balancer.wire.address import SocketAddress

CONCURRENCY = 200
# Clients come from as many loopback addresses, so that no pair of addresses runs out of ports.
SOURCES = [f"127.0.0.{number}" for number in range(1, 9)]
# The first bytes of a connection say what becomes of it.
CLEAN, HALF_CLOSED, REFUSED = "clean", "half-closed", "refused"
CLIENT_RESETS, BACKEND_RESETS = "client resets", "backend resets"


async def serve_backends(backends: SocketType) -> None:
    """Do to each connection what its first bytes ask for; until cancelled."""
    async with trio.open_nursery() as nursery:
        while True:
            nursery.start_soon(_serve_one, await accept(backends))


async def _serve_one(sock: SocketType) -> None:
    with sock, suppress(OSError):
        wish = (await sock.recv(100)).decode()
        if wish == BACKEND_RESETS:
            reset(sock)
        elif wish == CLIENT_RESETS:
            await receive_to_end(sock)
        else:
            # A half-closed connection: the answer comes after the client's end-of-file.
            if wish == HALF_CLOSED:
                await receive_to_end(sock)
            await sock.send(b"answer")


@attrs.define(eq=False)
class Crowd:
    """Clients of a balancer: `address` leads to a backend that serves, `refused` to nobody."""

    address: SocketAddress
    refused: SocketAddress | None = None
    rng: random.Random = attrs.field(factory=lambda: random.Random(1))
    #: What the clients saw: kinds of connection, each with how it ended.
    seen: Counter[str] = attrs.field(factory=Counter)

    async def come(self, total: int, *, at_once: int = CONCURRENCY) -> None:
        """Make so many connections, and wait for the last to end."""
        limit = trio.CapacityLimiter(at_once)
        async with trio.open_nursery() as nursery:
            for _ in range(total):
                visitor = object()
                await limit.acquire_on_behalf_of(visitor)
                nursery.start_soon(self._visit, limit, visitor)

    async def _visit(self, limit: trio.CapacityLimiter, visitor: object) -> None:
        kind = self.rng.choice([CLEAN, CLIENT_RESETS, BACKEND_RESETS, HALF_CLOSED, REFUSED])
        address = self.refused if kind is REFUSED else self.address
        if address is not None:
            self.seen[f"{kind}: {await _talk(address, self.rng.choice(SOURCES), kind)}"] += 1
        limit.release_on_behalf_of(visitor)


async def _talk(address: SocketAddress, source: str, kind: str) -> str:
    """Play a client's part; returns what it saw: "answer", "nothing", "reset" or "gone"."""
    try:
        with await dial(address, source=source) as client:
            await client.send(kind.encode())
            if kind == CLIENT_RESETS:
                reset(client)
                return "gone"
            if kind == HALF_CLOSED:
                client.shutdown(socket.SHUT_WR)
            end = await receive_to_end(client)
    except OSError:
        return "reset"
    return "reset" if end.errno else end.data.decode() or "nothing"
