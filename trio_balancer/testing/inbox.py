"""What has come in on a stream, and when it may be handed over: a delay line."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.seam import PeerReset
from trio_balancer.network.socket_stream import RECEIVE_SIZE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.network.seam import Stream
    from trio_balancer.testing.link import Link

    Spawn = Callable[[Callable[[], Awaitable[None]]], None]

#: Bytes that a delay may hold; then the sender waits.
CAPACITY = 1024 * 1024


@final
class Inbox:
    """Takes bytes, the end-of-file and a reset from the stream `inner`, in order.

    While the link has a latency a task reads ahead: only who waits for bytes knows when they
    arrive. `spawn` starts it. A reset is told once below, so it is kept here like the bytes.
    """

    def __init__(self, inner: Stream, link: Link, spawn: Spawn) -> None:
        self._inner = inner
        self._link = link
        self._spawn = spawn
        self._queue: deque[tuple[float, bytes | PeerReset]] = deque()
        self._held = 0
        self._ended = False
        #: When the rate lets the next bytes in (trio's clock).
        self._next = -math.inf
        self._reading = trio.Lock()
        self._ahead: trio.CancelScope | None = None

    @property
    def has_bytes(self) -> bool:
        """Whether bytes are held."""
        return self._held > 0

    @property
    def must_read(self) -> bool:
        """Whether nothing is here, and nobody else brings it."""
        return not self._queue and self._ahead is None

    @property
    def due(self) -> float:
        """When the first of it may be handed over (trio's clock); inf: nothing is here."""
        if not self._queue:
            return math.inf
        # Healed, nothing waits for the time that a condition had set.
        slow = self._link.latency > 0 or self._link.rate < math.inf
        return self._queue[0][0] if slow else -math.inf

    def adapt(self) -> None:
        """Begin or cease to read ahead, as the link wants it now."""
        if self._link.latency > 0 and self._ahead is None and not self._ended:
            self._ahead = trio.CancelScope()
            self._spawn(self._read_ahead)
        elif self._link.latency == 0 and self._ahead is not None:
            self._ahead.cancel()

    async def _read_ahead(self) -> None:
        try:
            with self._ahead or trio.CancelScope():
                while not self._ended:
                    while self._held >= CAPACITY:
                        await self._link.wait_change()
                    await self.read(RECEIVE_SIZE)
        except trio.ClosedResourceError:
            self._ended = True  # whoever closed it knows
        self._ahead = None
        self.adapt()  # it may have healed and fallen ill again meanwhile
        self._link.wake()

    async def read(self, max_bytes: int) -> None:
        """Wait for what comes next; raises trio.ClosedResourceError when `inner` is closed."""
        async with self._reading:
            item: bytes | PeerReset
            try:
                item = bytes(await self._inner.receive_some(min(max_bytes, self._link.piece)))
            except PeerReset as reset:
                item = reset
        self._put(item)

    def _put(self, item: bytes | PeerReset) -> None:
        now = trio.current_time()
        count = len(item) if isinstance(item, bytes) else 0
        self._ended = count == 0
        self._held += count
        self._next = max(self._next, now) + count / self._link.rate
        self._queue.append((max(self._next, now + self._link.latency), item))
        self._link.wake()

    def hand_over(self, max_bytes: int) -> bytes:
        """Give the first of it, b"" for the end-of-file; raises the reset."""
        due, item = self._queue.popleft()
        if isinstance(item, PeerReset):
            raise item
        if len(item) > max_bytes:
            self._queue.appendleft((due, item[max_bytes:]))
        data = item[:max_bytes]
        self._held -= len(data)
        self._link.wake()
        return data
