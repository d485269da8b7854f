"""A connection in memory whose bytes go through filters."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import ListenerConfig
from trio_balancer.filters import (
    ConnectionInfo,
    FilterChain,
    FilteredConnection,
    ListenerFilters,
    Surroundings,
    load_filters,
)
from trio_balancer.relay import Outcome, Pair, Way
from trio_balancer.testing import MemoryStream, memory_connection
from trio_balancer.testing.memory_stream import WINDOW
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_balancer.config.model_filters import FilterConfig
    from trio_balancer.filters.chain import Maker
    from trio_balancer.network import Stream

CLIENT, LISTENER = inet_address("198.51.100.7", 40000), inet_address("198.51.100.1", 80)
BALANCER, BACKEND = inet_address("10.0.0.1", 50000), inet_address("10.0.1.1", 8080)
INFO = ConnectionInfo(
    number=1,
    listener="web",
    pool="app",
    backend="app-1",
    backend_address=BACKEND,
    client=CLIENT,
    local=LISTENER,
)
BUFFER = 1 << 20
START = 1_700_000_000.0


@attrs.define(eq=False)
class Around:
    """What filters tell the balancer; `now` is the wall clock."""

    lines: list[tuple[str, dict[str, object]]] = attrs.field(factory=list)
    warnings: list[tuple[str, str, dict[str, object]]] = attrs.field(factory=list)
    now: float = START

    def log(self, message: str, /, **fields: object) -> None:
        self.lines.append((message, fields))

    def warn(self, kind: str, message: str, /, **fields: object) -> None:
        self.warnings.append((kind, message, fields))

    def wall_clock(self) -> float:
        return self.now

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(self.log, self.warn, self.wall_clock)


def lone_connection(buffer: int = BUFFER, info: ConnectionInfo = INFO) -> FilteredConnection:
    """Make what a filter is given, for one that only looks."""

    def refuse(said: object) -> bool:
        raise AssertionError(f"this filter only looks, but said {said!r}")

    def never(reason: str) -> None:
        refuse(reason)

    return FilteredConnection(info, buffer, refuse, refuse, never)


def listener(*filters: FilterConfig, buffer: int = BUFFER) -> ListenerConfig:
    """Make a listener with these filters."""
    return ListenerConfig("web", (LISTENER,), "app", filters=filters, filter_buffer=buffer)


@attrs.define(eq=False)
class Filtered:
    """A client and a backend, and between them our legs and the chain that joins them."""

    client: MemoryStream
    pair: Pair
    backend: MemoryStream
    filters: ListenerFilters
    info: ConnectionInfo = INFO
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    #: Why it was ended, and whether that was a bug.
    ended: list[tuple[str, bool]] = attrs.field(factory=list)
    outcomes: dict[str, Outcome] = attrs.field(factory=dict)
    chain: FilterChain = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.chain = self.filters.open(self.info, self._end)

    def _end(self, reason: str, *, bug: bool) -> None:
        self.ended.append((reason, bug))
        self.scope.cancel()

    async def run(self, prefix: bytes = b"") -> None:
        """Copy both ways until both are over, as a bridge does, and reset what broke."""
        with self.scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._copy, "up", self.pair.up, prefix)
                nursery.start_soon(self._copy, "down", self.pair.down, b"")
        self.chain.close()
        if len(self.outcomes) < 2 or self.pair.broken is not None:
            self.pair.client.reset()
            self.pair.backend.reset()

    async def _copy(self, name: str, way: Way, prefix: bytes) -> None:
        outcome = self.outcomes[name] = await self.chain.copy(way, prefix)
        if outcome is not Outcome.FINISHED:
            self.pair.mark_broken(way.source if outcome is Outcome.SOURCE_BROKE else way.sink)
            self.scope.cancel()


def through(filters: ListenerFilters, *, window: int = WINDOW, number: int = 1) -> Filtered:
    """Connect a client and a backend through a listener's filters."""
    client, client_leg = memory_connection(CLIENT, LISTENER, window=window)
    backend_leg, backend = memory_connection(BALANCER, BACKEND, window=window)
    info = attrs.evolve(INFO, number=number)
    return Filtered(client, Pair(client_leg, backend_leg), backend, filters, info)


def through_made(
    *makers: Maker, buffer: int = BUFFER, window: int = WINDOW, around: Around | None = None
) -> Filtered:
    """Connect a client and a backend through filters that `makers` make."""
    surroundings = (around or Around()).surroundings
    return through(ListenerFilters(makers, (), buffer, surroundings), window=window)


@asynccontextmanager
async def joined(
    *makers: Maker, buffer: int = BUFFER, window: int = WINDOW, around: Around | None = None
) -> AsyncIterator[Filtered]:
    """Copy through filters that `makers` make, until the block is over."""
    filtered = through_made(*makers, buffer=buffer, window=window, around=around)
    async with copying(filtered):
        yield filtered


@asynccontextmanager
async def configured(
    *configs: FilterConfig, around: Around | None = None, window: int = WINDOW
) -> AsyncIterator[Filtered]:
    """Copy through configured filters, until the block is over."""
    filters = load_filters(listener(*configs), (around or Around()).surroundings)
    filtered = through(filters, window=window)
    async with copying(filtered):
        yield filtered
    filters.close()


@asynccontextmanager
async def copying(filtered: Filtered, prefix: bytes = b"") -> AsyncIterator[None]:
    """Run a connection until the block is over."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(filtered.run, prefix)
        yield
        filtered.scope.cancel()


async def receive(stream: Stream, count: int) -> bytes:
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


async def say(stream: Stream, *pieces: bytes) -> None:
    """Send the pieces, then the end-of-file."""
    for piece in pieces:
        await stream.send_all(piece)
    await stream.send_eof()
