"""A stream that is watched, and that a test can stall, slow down, cut off or kill."""

from __future__ import annotations

import errno
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.conflict import OneTask
from trio_balancer.network.kernel import os_error, peer_reset
from trio_balancer.network.seam import PeerReset, Stream
from trio_balancer.network.socket_stream import RECEIVE_SIZE
from trio_balancer.testing.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trio_balancer.testing.inbox import Spawn
    from trio_balancer.testing.link import Link


@final
class WatchedStream(Stream):
    """Passes everything on to the stream `inner`, as far as its link lets it.

    `on_moved` is called whenever bytes have moved, `on_closed` once. `spawn` starts a task that
    lives until the stream is closed at the latest.
    """

    def __init__(
        self,
        inner: Stream,
        link: Link,
        *,
        on_moved: Callable[[], None],
        on_closed: Callable[[WatchedStream], None],
        spawn: Spawn,
    ) -> None:
        self.inner = inner
        # Not the inner one's: bytes that go straight to a socket could not be held up.
        self.socket = None
        self.local_address = inner.local_address
        self.remote_address = inner.remote_address
        self._link = link
        self._on_moved = on_moved
        self._on_closed = on_closed
        #: Whether our side has closed it; the peer may hear of that later.
        self.closed = False
        self._killed = False
        self._inbox = Inbox(inner, link, spawn)
        #: When the rate lets the next bytes out (trio's clock).
        self._next_out = -math.inf
        self._on_reset: Callable[[], None] | None = None
        self._reset_held = False
        #: How it is to be closed once the peer can be reached again.
        self._close_later: Callable[[], None] | None = None
        self._receiving = OneTask("another task is using this stream for receiving")
        self._sending = OneTask("another task is using this stream for sending")
        link.streams[self] = None
        self._inbox.adapt()

    @property
    def received(self) -> int:  # type: ignore[override]  # the stream below counts
        """Bytes taken so far."""
        return self.inner.received

    @property
    def sent(self) -> int:  # type: ignore[override]  # the stream below counts
        """Bytes given so far, partial sends included."""
        return self.inner.sent

    # Receiving

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive at least one byte, when the link lets it through; b"" at the end."""
        size = RECEIVE_SIZE if max_bytes is None else max_bytes
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        with self._receiving:
            await trio.lowlevel.checkpoint()
            while self._must_wait():
                if self._inbox.must_read:
                    with self._while_alive():
                        await self._inbox.read(size)
                else:
                    await self._link.wait_change(math.inf if self._link.stalls else self._inbox.due)
            self._check_alive()
            data = self._inbox.hand_over(size)
        self._on_moved()
        return data

    def _must_wait(self) -> bool:
        if self._killed or self.closed:
            return False
        return self._link.stalls or self._inbox.due > trio.current_time()

    # Sending

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it, when and as fast as the link lets it through."""
        with self._sending, memoryview(data) as view, view.cast("B") as octets:
            done = 0
            while True:
                await self._wait_passage()
                piece = octets[done : done + self._link.piece]
                await self._wait_rate(len(piece))
                with self._while_alive():
                    await self.inner.send_all(piece)
                self._on_moved()
                done += len(piece)
                if done >= len(octets):
                    return

    async def _wait_passage(self) -> None:
        while self._link.stalls and not (self._killed or self.closed):
            await self._link.wait_change()
        self._check_alive()

    async def _wait_rate(self, count: int) -> None:
        self._next_out = max(self._next_out, trio.current_time()) + count / self._link.rate
        while self._link.rate < math.inf and trio.current_time() < self._next_out:
            await self._link.wait_change(self._next_out)
            self._check_alive()

    async def send_eof(self) -> None:
        """Send a FIN, when the link lets it through."""
        with self._sending:
            await self._wait_passage()
            with self._while_alive():
                await self.inner.send_eof()

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the link and the stream below take bytes, or the connection broke."""
        with self._sending:
            await self._wait_passage()
            with self._while_alive():
                await self.inner.wait_send_all_might_not_block()

    # The end

    def close(self) -> None:
        """Close; a peer that cannot be reached hears of it when it can."""
        self._end(self.inner.close)

    def reset(self) -> None:
        """Reset; a peer that cannot be reached hears of it when it can."""
        self._end(self.inner.reset)

    async def aclose(self) -> None:
        """Close, then let others run."""
        self.close()
        await trio.lowlevel.checkpoint()

    def _end(self, close: Callable[[], None]) -> None:
        if self.closed:
            return
        self.closed = True
        self._on_reset = None
        self._link.wake()
        if self._link.unreachable:
            self._close_later = close
        else:
            self._close_below(close)

    def _close_below(self, close: Callable[[], None]) -> None:
        self._close_later = None
        del self._link.streams[self]
        close()
        self._on_closed(self)

    def abandon(self) -> None:
        """Close what is below now, reachable or not."""
        if self in self._link.streams:
            self.closed = True
            self._close_below(self.inner.reset)

    def kill(self) -> None:
        """Reset towards the peer, and look to our side as if the peer had."""
        if self.closed or self._killed:
            return
        self._killed = True
        self.inner.reset()
        self._link.wake()
        self._tell_reset()

    def link_changed(self) -> None:
        """Adapt to the link; do what had to wait until the peer can be reached again."""
        if not (self.closed or self._killed):
            self._inbox.adapt()
        if self._link.stalls:
            return
        if self._close_later is not None and not self._link.unreachable:
            self._close_below(self._close_later)
        elif self._reset_held:
            self._tell_reset()

    def call_on_reset(self, callback: Callable[[], None] | None) -> None:
        """Call back when the peer has reset and the link lets that through."""
        self._on_reset = None if self.closed else callback
        if not self._killed:
            self.inner.call_on_reset(None if callback is None else self._reset_below)

    def _reset_below(self) -> None:
        if self._link.stalls:
            self._reset_held = True
        else:
            self._tell_reset()

    def _tell_reset(self) -> None:
        self._reset_held = False
        callback, self._on_reset = self._on_reset, None
        if callback is not None:
            callback()

    def unsent(self) -> int:
        """Bytes that the peer has not acknowledged yet."""
        return self.inner.unsent()

    def has_unread(self) -> bool:
        """Whether bytes wait to be received, those that are held up included."""
        return self._inbox.has_bytes or self.inner.has_unread()

    def _check_alive(self) -> None:
        if self.closed:
            raise trio.ClosedResourceError("this stream was closed")
        if self._killed:
            raise _killed()

    @contextmanager
    def _while_alive(self) -> Iterator[None]:
        """Turn what a killed stream below says into the reset that it is."""
        try:
            yield
        except trio.ClosedResourceError:
            if self._killed and not self.closed:
                raise _killed() from None
            raise


def _killed() -> PeerReset:
    return peer_reset(os_error(errno.ECONNRESET))
