"""A listening address of the in-memory network, with its backlog."""

from __future__ import annotations

import errno
from collections import deque
from contextlib import suppress
from ipaddress import IPv6Address
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.kernel import os_error
from trio_balancer.network.seam import Listener, PeerReset
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.network.seam import SocketOptions
    from trio_balancer.testing.memory_stream import MemoryStream
    from trio_balancer.wire.address import SocketAddress

ANY_V6 = IPv6Address("::")


@final
class MemoryListener(Listener):
    """Made by `MemoryNetwork.listen`; `on_close` makes the address free again."""

    def __init__(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool,
        on_close: Callable[[MemoryListener], None],
    ) -> None:
        self.address = address
        self.v6only = v6only
        self.closed = False
        self.paused = False
        self._backlog = max(1, backlog)
        self._on_close = on_close
        self._waiting: deque[MemoryStream] = deque()
        self._failures: deque[OSError] = deque()
        self._arrival = trio.lowlevel.ParkingLot()
        self._space = trio.lowlevel.ParkingLot()

    async def wait_ready(self) -> None:
        """Wait until somebody waits to be accepted."""
        self._check_open()
        await trio.lowlevel.checkpoint()
        self._check_open()
        while not self._waiting:
            await self._arrival.park()
            self._check_open()

    def accept_nowait(self) -> MemoryStream:
        """Accept who has waited longest."""
        self._check_open()
        if self._failures:
            raise self._failures.popleft()
        if not self._waiting:
            raise os_error(errno.EAGAIN)
        self._space.unpark_all()
        return self._waiting.popleft()

    async def serve(self, handler: Callable[[MemoryStream], Awaitable[None]]) -> None:
        """Run `handler` with each connection, and close it then; returns when we were closed.

        A reset by the peer ends a handler, and is no error.
        """
        async with trio.open_nursery() as nursery:
            with suppress(trio.ClosedResourceError):
                while True:
                    await self.wait_ready()
                    nursery.start_soon(_handle, handler, self.accept_nowait())

    def close(self) -> None:
        """Stop listening; who waits is reset, who dials is refused."""
        if self.closed:
            return
        self.closed = True
        self._on_close(self)
        self._reset_all()
        self._arrival.unpark_all()

    def pause(self) -> None:
        """Refuse whoever dials; who waits is reset."""
        self._check_open()
        self.paused = True
        self._reset_all()

    def resume(self) -> None:
        """Listen again."""
        self._check_open()
        self.paused = False

    def configure(self, *, backlog: int, options: SocketOptions) -> None:  # noqa: ARG002  # no peer here vanishes silently
        """Give the backlog another number of places; nobody loses one."""
        self._check_open()
        self._backlog = max(1, backlog)
        self._space.unpark_all()

    def _reset_all(self) -> None:
        """Reset who waits, and let those who dial see what has become of us."""
        for stream in self._waiting:
            stream.reset()
        self._waiting.clear()
        self._space.unpark_all()

    def fail_accepts(self, error: OSError, *, times: int = 1) -> None:
        """Let the next accepts fail; who waits goes on waiting, as with EMFILE."""
        self._failures.extend([error] * times)

    @property
    def is_full(self) -> bool:
        """Whether the backlog has no place left."""
        return len(self._waiting) >= self._backlog

    async def wait_space(self) -> None:
        """Wait, as a dialling kernel does, until somebody was accepted or we were closed."""
        await self._space.park()

    def answers(self, address: SocketAddress) -> bool:
        """Whether a dial to this address reaches us."""
        return overlap(self.address, address, v6only=self.v6only)

    def offer(self, stream: MemoryStream) -> None:
        """Put a new connection into the backlog; reset it where nobody listens any more."""
        if self.closed or self.paused:
            stream.reset()
            return
        self._waiting.append(stream)
        self._arrival.unpark_all()

    def _check_open(self) -> None:
        if self.closed:
            raise trio.ClosedResourceError("this listener was closed")


async def _handle(handler: Callable[[MemoryStream], Awaitable[None]], stream: MemoryStream) -> None:
    try:
        with suppress(PeerReset):
            await handler(stream)
    finally:
        stream.close()


def overlap(bound: SocketAddress, other: SocketAddress, *, v6only: bool) -> bool:
    """Whether an address bound like this takes in the other; 0.0.0.0 and [::] take in many."""
    if bound == other:
        return True
    if isinstance(bound, UnixAddress) or isinstance(other, UnixAddress):
        return False
    if bound.port != other.port or not bound.ip.is_unspecified:
        return False
    return bound.ip.version == other.ip.version or (bound.ip == ANY_V6 and not v6only)
