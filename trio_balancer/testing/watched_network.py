"""A network that is watched, and whose links to backends a test can break.

It stands between a balancer and its real network, whichever that is, so that nothing in the
balancer knows of it.
"""

from __future__ import annotations

import errno
import math
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, final

import trio

from trio_balancer.network.kernel import os_error
from trio_balancer.network.seam import DialTimeoutError, Listener, Network, SocketOptions, Stream
from trio_balancer.testing.link import Link
from trio_balancer.testing.watched_stream import WatchedStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from trio_balancer.wire.address import IP, Address, InetAddress, NamedAddress, SocketAddress

# The number of the connection that a task serves. The accept loop sets it with each client, and
# trio lets the task that it then starts inherit it.
_served: ContextVar[int | None] = ContextVar("trio_balancer_connection", default=None)


class Watcher(Protocol):
    """Whoever is told what happens on a network; `connection` is None for a health check."""

    def accepted(self, client: SocketAddress) -> int:
        """Hear of a new client; returns the number of its connection."""
        ...

    def dialling(self, connection: int | None, address: SocketAddress) -> None:
        """Hear that a backend's address is being dialled."""
        ...

    def dialled(self, connection: int | None, address: SocketAddress) -> None:
        """Hear that the dial succeeded."""
        ...

    def dial_failed(self, connection: int | None, address: SocketAddress, error: OSError) -> None:
        """Hear that it failed."""
        ...

    def moved(self) -> None:
        """Hear that bytes have moved somewhere."""
        ...


@final
class WatchedNetwork(Network):
    """Passes everything on to the network `inner`, as far as its links let it."""

    def __init__(self, inner: Network, watcher: Watcher) -> None:
        self.inner = inner
        self.listeners: dict[WatchedListener, None] = {}
        self.streams: dict[WatchedStream, None] = {}
        self._watcher = watcher
        #: The way to the clients, to which nothing is done.
        self._clients = Link()
        self._links: dict[Address, Link] = {}
        #: Of `run`.
        self._nursery: trio.Nursery

    def link(self, address: Address) -> Link:
        """Return the way to a backend; a name and what it resolves to are one way."""
        return self._links.setdefault(address, Link())

    def close_unreachable(self) -> None:
        """Close what was closed while its peer could not be reached: the test is over."""
        for stream in list(self.streams):
            if stream.closed:
                stream.abandon()

    def abandon(self) -> None:
        """Close whatever is still open."""
        for listener in list(self.listeners):
            listener.close()
        for stream in list(self.streams):
            stream.abandon()

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> WatchedListener:
        """Bind and listen."""
        listener = await self.inner.listen(
            address, backlog=backlog, v6only=v6only, mode=mode, options=options
        )
        watched = WatchedListener(listener, self)
        self.listeners[watched] = None
        return watched

    def accept(self, inner: Stream) -> WatchedStream:
        """Watch a client; its connection begins in this very step."""
        _served.set(self._watcher.accepted(inner.remote_address))
        return self._watch(inner, self._clients)

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> WatchedStream:
        """Dial, as far as the link to this address lets it."""
        connection = _served.get()
        link = self.link(address)
        self._watcher.dialling(connection, address)
        try:
            await self._pass(link, deadline)
            stream = await self.inner.connect(
                link.target or address, options=options, deadline=deadline, source=source
            )
            if link.refuses:  # since a moment ago
                stream.reset()
                raise os_error(errno.ECONNREFUSED)
        except OSError as error:
            self._watcher.dial_failed(connection, address, error)
            raise
        watched = self._watch(stream, link)
        self._watcher.dialled(connection, address)
        return watched

    async def _pass(self, link: Link, deadline: float) -> None:
        """Wait until a dial would arrive, and be refused where it is."""
        if link.unreachable:
            with trio.move_on_at(deadline) as patience:
                await link.wait_reachable()
            if patience.cancelled_caught:
                raise DialTimeoutError(errno.ETIMEDOUT, "no answer in time")
        if link.refuses:
            await trio.lowlevel.checkpoint()
            raise os_error(errno.ECONNREFUSED)

    def original_destination(self, client: Stream) -> InetAddress:
        """Ask the network below about the stream below."""
        inner = client.inner if isinstance(client, WatchedStream) else client
        return self.inner.original_destination(inner)

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        """Look up, and remember whose addresses these are."""
        found = await self.inner.resolve(address)
        for each in found:
            self._links[each] = self.link(address)
        return found

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve the needs of the network below, and run what streams need."""
        async with trio.open_nursery() as self._nursery:
            await self._nursery.start(self.inner.run)
            task_status.started()
            await trio.sleep_forever()

    def _spawn(self, function: Callable[[], Awaitable[None]]) -> None:
        self._nursery.start_soon(function)

    def _watch(self, inner: Stream, link: Link) -> WatchedStream:
        stream = WatchedStream(
            inner,
            link,
            on_moved=self._watcher.moved,
            on_closed=self.streams.pop,
            spawn=self._spawn,
        )
        self.streams[stream] = None
        return stream


@final
class WatchedListener(Listener):
    """Made by `WatchedNetwork.listen`."""

    def __init__(self, inner: Listener, network: WatchedNetwork) -> None:
        self.inner = inner
        self.address = inner.address
        self._network = network

    async def wait_ready(self) -> None:
        """Wait until somebody waits to be accepted."""
        await self.inner.wait_ready()

    def accept_nowait(self) -> WatchedStream:
        """Accept one connection."""
        return self._network.accept(self.inner.accept_nowait())

    def close(self) -> None:
        """Stop listening."""
        self._network.listeners.pop(self, None)
        self.inner.close()

    def pause(self) -> None:
        """Refuse whoever dials."""
        self.inner.pause()

    def resume(self) -> None:
        """Listen again."""
        self.inner.resume()

    def configure(self, *, backlog: int, options: SocketOptions) -> None:
        """Give later clients another backlog and other options."""
        self.inner.configure(backlog=backlog, options=options)
