"""Pairs of joined streams over every way of moving bytes, with the copies between them."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.network import Network, SocketNetwork, SocketOptions, SocketStream, Stream
from trio_balancer.network.poller import Poller
from trio_balancer.relay import Kind, Outcome, Pair, Relay, Way
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

# The relay's buffer in these tests, so that a few KiB are bulk already.
BUFFER = 4096
# So that ways are soon full. With both ways of a connection full, the kernel drops even what
# acknowledges and tries again ever more seldom: tests that do that need larger ones.
SMALL_BUFFERS = 1 << 15
KINDS = {
    "memory": Kind.STREAMS,
    "streams": Kind.STREAMS,
    "portable": Kind.PORTABLE,
    "epoll": Kind.EPOLL,
    "splice": Kind.EPOLL,
}
TCP = ["memory", "streams-ipv4", "portable-ipv4", "epoll-ipv4", "splice-ipv4", "splice-ipv6"]
EVERYTHING = [*TCP, "epoll-ipv6", "streams-unix", "portable-unix", "epoll-unix", "splice-unix"]
# Those that a live way can leave, to be copied as streams.
LEAVABLE = ["portable-ipv4", "epoll-ipv4", "splice-ipv4", "splice-unix"]


@attrs.frozen
class Ends:
    """A client and a backend, as they see themselves, and our legs between them."""

    client: Stream
    pair: Pair
    backend: Stream


@attrs.define(eq=False)
class Copying:
    """A running `copy`, which can be cancelled alone."""

    way: Way
    outcome: Outcome | None = None
    error: Exception | None = None
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    over: trio.Event = attrs.field(factory=trio.Event)

    async def run(self, relay: Relay, prefix: bytes) -> None:
        try:
            with self.scope:
                self.outcome = await relay.copy(self.way, prefix)
                self._mark(self.outcome)
        except Exception as error:  # noqa: BLE001 - a test made it
            self.error = error
        self.over.set()

    def _mark(self, outcome: Outcome) -> None:
        """Do what a bridge does in the very task that has copied."""
        if outcome is Outcome.SOURCE_BROKE:
            self.way.pair.mark_broken(self.way.source)
        elif outcome is Outcome.SINK_BROKE:
            self.way.pair.mark_broken(self.way.sink)

    async def wait(self) -> Outcome | None:
        """Wait for the end; None when it was cancelled."""
        with trio.fail_after(10):
            await self.over.wait()
        if self.error is not None:
            raise self.error
        return self.outcome


@attrs.define(eq=False)
class Rig:
    """One way of moving bytes, over one kind of address."""

    name: str
    network: Network
    relay: Relay
    address: SocketAddress
    nursery: trio.Nursery
    made: list[Stream] = attrs.field(factory=list)
    ways: list[Way] = attrs.field(factory=list)

    @property
    def poller(self) -> Poller | None:
        """What watches the sockets; None in memory."""
        return self.network.poller if isinstance(self.network, SocketNetwork) else None

    @property
    def most_held(self) -> int:
        """Bytes that a way may have taken and not given yet."""
        return 1 << 20 if self.relay.pipes is not None else 1 << 16

    async def join(self, buffers: int = SMALL_BUFFERS) -> Ends:
        """Connect a client and a backend, with kernel buffers of so many bytes."""
        client, client_leg = await self.connect(buffers)
        backend_leg, backend = await self.connect(buffers)
        pair = Pair(client_leg, backend_leg)
        self.ways += (pair.up, pair.down)
        return Ends(client, pair, backend)

    async def connect(self, buffers: int = SMALL_BUFFERS) -> tuple[Stream, Stream]:
        """Return who has dialled and who was."""
        options = SocketOptions()
        listener = await self.network.listen(self.address, backlog=10, options=options)
        dialling = await self.network.connect(listener.address, options=options)
        await listener.wait_ready()
        dialled = listener.accept_nowait()
        listener.close()
        for stream in (dialling, dialled):
            if stream.socket is not None:
                # Of a fixed size: the kernel's own grow while they are being filled.
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            self.made.append(stream)
        return dialling, dialled

    def copy(self, way: Way, prefix: bytes = b"") -> Copying:
        """Start to copy."""
        copying = Copying(way)
        self.nursery.start_soon(copying.run, self.relay, prefix)
        return copying

    def assert_nothing_is_left(self) -> None:
        """Check that no copy, which all have ended, has left anything behind."""
        assert [way.leave_relay for way in self.ways] == [None] * len(self.ways)
        if self.relay.pipes is not None:
            assert self.relay.pipes.lent == 0
        for stream in self.made:
            if isinstance(stream, SocketStream):
                assert stream.reader is None
                assert stream.writer is None


@asynccontextmanager
async def open_rig(name: str, directory: Path) -> AsyncIterator[Rig]:
    """Make a rig of a name like "splice-ipv4"; at the end nothing may be left."""
    moving, _, family = name.partition("-")
    addresses: dict[str, SocketAddress] = {
        "": inet_address("127.0.0.1", 0),
        "ipv4": inet_address("127.0.0.1", 0),
        "ipv6": inet_address("::1", 0),
        "unix": UnixAddress(str(directory / "socket")),
    }
    network: Network = (
        MemoryNetwork(window=SMALL_BUFFERS) if moving == "memory" else SocketNetwork()
    )
    poller = network.poller if isinstance(network, SocketNetwork) else None
    relay = Relay(KINDS[moving], poller, splice=moving == "splice")
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        async with trio.open_nursery() as copies:
            rig = Rig(name, network, relay, addresses[family], copies)
            yield rig
            copies.cancel_scope.cancel()
        rig.assert_nothing_is_left()
        for stream in rig.made:
            stream.close()
        nursery.cancel_scope.cancel()
    relay.close()


async def say(stream: Stream, data: bytes) -> None:
    """Send all, then the end-of-file."""
    await stream.send_all(data)
    await stream.send_eof()


async def receive_exactly(stream: Stream, count: int) -> bytes:
    """Receive so many bytes; fewer only when they end before."""
    received = bytearray()
    while len(received) < count:
        data = await stream.receive_some(count - len(received))
        if not data:
            break
        received += data
    return bytes(received)


async def receive_to_end(stream: Stream) -> bytes:
    """Receive until the end-of-file."""
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


async def nothing_comes(stream: Stream) -> bool:
    """Whether neither a byte nor an end has come by the time that everybody is at rest."""
    with trio.move_on_after(0.02) as patience:
        await stream.receive_some()
    return patience.cancelled_caught


async def clog(stream: Stream, data: bytes) -> int:
    """Send until nothing more is taken for a while; returns how much was."""
    before, last = stream.sent, -1
    while stream.sent != last:
        last = stream.sent
        with trio.move_on_after(0.03):
            await stream.send_all(data[stream.sent - before :])
    return stream.sent - before
