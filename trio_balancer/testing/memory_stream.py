"""One end of an in-memory connection, which ends and breaks as Linux's TCP does.

What a kernel does with FIN and RST is written down where it is done; each rule was tried on
Linux, and the same contract tests run over this stream and over real sockets.
"""

from __future__ import annotations

import errno
from operator import index
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.conflict import OneTask
from trio_balancer.network.kernel import os_error, peer_reset
from trio_balancer.network.seam import Stream
from trio_balancer.network.socket_stream import RECEIVE_SIZE
from trio_balancer.testing.memory_wire import Mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.testing.memory_pipe import Pipe
    from trio_balancer.testing.memory_wire import Item
    from trio_balancer.wire.address import SocketAddress


#: Bytes that one direction of a connection holds by default.
WINDOW = 64 * 1024


@final
class MemoryStream(Stream):
    """One end; `memory_connection` makes two that are joined."""

    def __init__(
        self,
        incoming: Pipe,
        outgoing: Pipe,
        local_address: SocketAddress,
        remote_address: SocketAddress,
        on_close: Callable[[MemoryStream], None],
    ) -> None:
        self.socket = None
        self.local_address = local_address
        self.remote_address = remote_address
        self.received = 0
        self.sent = 0
        self.closed = False
        self._incoming = incoming
        self._outgoing = outgoing
        self._peer: MemoryStream = self
        self._on_close = on_close
        self._finished = False
        #: The peer's reset, for ever; and its errno while nobody has been told.
        self._broken = False
        self._untold: int | None = None
        self._callback: Callable[[], None] | None = None
        self._receiving = OneTask("another task is using this stream for receiving")
        self._sending = OneTask("another task is using this stream for sending")

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive at least one byte; b"" at the end."""
        size = RECEIVE_SIZE if max_bytes is None else index(max_bytes)
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        with self._receiving:
            await trio.lowlevel.checkpoint()
            while not self._can_receive():
                await self._incoming.receivers.park()
            return self._receive(size)

    def _can_receive(self) -> bool:
        self._check_open()
        return bool(self._incoming.queue) or self._incoming.finished or self._broken

    def _receive(self, size: int) -> bytes:
        # What was delivered comes before the reset; and a reset behind a FIN is not told here.
        if not self._incoming.queue and not self._incoming.finished:
            self._tell_reset()
        data = self._incoming.take(size)
        self.received += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; cancelled, `sent` says how much went."""
        with self._sending, memoryview(data) as view, view.cast("B") as octets:
            self._check_sending()
            await trio.lowlevel.checkpoint()
            self._check_sending()
            done = self._send(octets) if octets else 0
            while done < len(octets):
                await self._outgoing.senders.park()
                self._check_sending()
                done += self._send(octets[done:])

    def _send(self, data: memoryview) -> int:
        self._tell_reset()
        if self._broken:
            self._raise_reset(errno.EPIPE)
        if self._peer.closed and self._outgoing.is_clear:
            # Our kernel takes the bytes, the peer's has nobody to give them to and resets.
            count = len(data)
            self._break()
        else:
            count = self._outgoing.put(data)
        self.sent += count
        return count

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room, or the connection broke."""
        with self._sending:
            self._check_open()
            await trio.lowlevel.checkpoint()
            self._check_open()
            while not (self._outgoing.room or self._broken):
                await self._outgoing.senders.park()
                self._check_open()

    async def send_eof(self) -> None:
        """Send a FIN after what was sent; once."""
        with self._sending:
            self._check_open()
            await trio.lowlevel.checkpoint()
            self._check_open()
            if not self._finished:
                if self._broken:
                    # Not the telling: Linux's shutdown leaves the error for recv or send.
                    self._raise_reset(errno.ENOTCONN)
                self._finished = True
                self._outgoing.finish()

    def close(self) -> None:
        """Close at once; with unread bytes the peer is reset, as Linux does."""
        if self.closed:
            return
        if self._incoming.queue:
            self.reset()
            return
        if not self._broken:
            self._outgoing.finish()
        self._let_go()

    def reset(self) -> None:
        """Close at once with a RST."""
        if self.closed:
            return
        # Two FINs that arrived are the end of a connection; there is nothing left to reset.
        over = self._incoming.fin_arrived and self._outgoing.fin_arrived
        if not (over or self._broken):
            self._outgoing.cut()
            self._send_reset()
        self._let_go()

    def _send_reset(self) -> None:
        wire = self._outgoing.wire
        if wire is None or wire.is_clear:
            self._peer._break()  # noqa: SLF001  # the other end of the same connection
        else:
            wire.carry(Mark.RESET)

    def _arrive(self, item: Item) -> None:
        """Take what the wire has brought."""
        if item is Mark.RESET:
            self._break()
        elif item is Mark.FIN:
            self._incoming.land_fin()
        elif self.closed:
            # Nobody is there to have them: the kernel answers with a reset.
            self._send_reset()
        else:
            self._incoming.land(item)

    def _let_go(self) -> None:
        self.closed = True
        self._callback = None
        self._on_close(self)
        self._incoming.queue.clear()
        self._incoming.wake_all()
        self._outgoing.wake_all()

    async def aclose(self) -> None:
        """Close, then let others run."""
        self.close()
        await trio.lowlevel.checkpoint()

    def call_on_reset(self, callback: Callable[[], None] | None) -> None:
        """Call back soon after; not for what receive_some or send_all raised."""
        self._callback = None if self.closed else callback
        if self._callback is not None and self._untold is not None:
            self._call_back_soon()

    def unsent(self) -> int:
        """Bytes that do not fit into the peer's half of the window; 0 when closed."""
        return 0 if self.closed else self._outgoing.unsent

    def has_unread(self) -> bool:
        """Whether received bytes wait; False when closed."""
        return bool(self._incoming.queue)

    def _break(self) -> None:
        """Take a RST that the peer has sent."""
        if self.closed or self._broken:
            return
        self._broken = True
        self._untold = errno.EPIPE if self._incoming.fin_arrived else errno.ECONNRESET
        self._outgoing.lose()
        if self._incoming.history is not None:
            self._incoming.history.event("reset")
        self._incoming.wake_all()
        self._outgoing.wake_all()
        if self._callback is not None:
            self._call_back_soon()

    def _call_back_soon(self) -> None:
        # Not at once: the real network calls from a task of its own, never from within whoever
        # resets or makes the wish.
        trio.lowlevel.current_trio_token().run_sync_soon(self._call_back)

    def _call_back(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None and self._untold is not None:
            callback()

    def _tell_reset(self) -> None:
        code, self._untold = self._untold, None
        if code is not None:
            self._raise_reset(code)

    def _raise_reset(self, code: int) -> None:
        error = os_error(code)
        raise peer_reset(error) from error

    def _check_open(self) -> None:
        if self.closed:
            raise trio.ClosedResourceError("this stream was closed")

    def _check_sending(self) -> None:
        self._check_open()
        if self._finished:
            raise trio.ClosedResourceError("this stream has sent its end-of-file")
