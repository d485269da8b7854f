"""One connection of the real network: a raw non-blocking socket under trio's stream interface.

Not trio.SocketStream: its layers cost as much again as the system calls. Every call tries the
system call first and waits only when the kernel says so.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.conflict import OneTask
from trio_balancer.network.kernel import from_kernel, peer_reset
from trio_balancer.network.poller import HAVE_EPOLL
from trio_balancer.network.seam import Stream
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.network.poller import Poller, Reader, Writer
    from trio_balancer.wire.address import SocketAddress

#: Bytes that `receive_some` takes at most when it is not told.
RECEIVE_SIZE = 64 * 1024

_Socket = socket.socket  # inside the class, `socket` is the stream's own

_TCP_CLOSE = 7  # a state in linux/tcp_states.h

_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


@final
class SocketStream(Stream):
    """A connected TCP or Unix stream socket; takes the socket, which must not block.

    Every error of the kernel becomes `PeerReset`; the OSError is its `__cause__`.
    """

    # There are two of these for each connection, most of them idle: memory counts.
    __slots__ = (
        "_closed",
        "_finished",
        "_local_address",
        "_on_reset",
        "_poller",
        "_reset_untold",
        "_sending",
        "_waited",
        "_watched",
        "missed",
        "reader",
        "received",
        "remote_address",
        "sent",
        "socket",
        "writer",
    )
    socket: _Socket

    def __init__(self, sock: _Socket, remote_address: SocketAddress, poller: Poller) -> None:
        self.socket = sock
        self.remote_address = remote_address
        self.received = 0
        self.sent = 0
        #: Whom the poller calls when the socket is ready, while `watch` is on.
        self.reader: Reader | None = None
        self.writer: Writer | None = None
        self.missed = 0
        self._poller = poller
        self._watched = False
        self._on_reset: Callable[[], None] | None = None
        self._reset_untold = False
        self._local_address: SocketAddress | None = None
        #: Whether trio's own epoll has ever heard of this socket: most never need it.
        self._waited = False
        self._closed = False
        self._finished = False
        self._sending = OneTask("another task is using this stream for sending")

    @property
    def local_address(self) -> SocketAddress:  # type: ignore[override]  # lazy, so read-only
        """Our end, asked of the kernel the first time; OSError when that is after closing."""
        if self._local_address is None:
            self._local_address = from_kernel(self.socket.getsockname())
        return self._local_address

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive at least one byte; b"" at the end."""
        size = RECEIVE_SIZE if max_bytes is None else max_bytes
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            data = self._receive_now(size)
        except BlockingIOError:
            return await self._receive_later(size)
        await trio.lowlevel.cancel_shielded_checkpoint()
        return data

    async def _receive_later(self, size: int) -> bytes:
        while True:
            await self.wait_readable()
            with suppress(BlockingIOError):
                return self._receive_now(size)

    def _receive_now(self, size: int) -> bytes:
        self._check_open()
        try:
            data = self.socket.recv(size)
        except BlockingIOError:
            raise
        except OSError as exc:
            raise peer_reset(exc) from exc
        self.received += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it; cancelled, `sent` says how much went."""
        with self._sending, memoryview(data) as view, view.cast("B") as octets:
            self._check_sending()
            await trio.lowlevel.checkpoint_if_cancelled()
            done = self._send_now(octets)
            if done == len(octets):
                await trio.lowlevel.cancel_shielded_checkpoint()
            while done < len(octets):
                await self.wait_writable()
                done += self._send_now(octets[done:])

    def _send_now(self, data: memoryview) -> int:
        if not data:
            return 0
        try:
            count = self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as exc:
            raise peer_reset(exc) from exc
        self.sent += count
        return count

    async def wait_readable(self) -> None:
        """Wait until `receive_some` would not; trio.ClosedResourceError when closed meanwhile."""
        self._waited = True
        await trio.lowlevel.wait_readable(self.socket)

    async def wait_writable(self) -> None:
        """Wait until the kernel takes bytes; trio.ClosedResourceError when closed meanwhile."""
        self._waited = True
        await trio.lowlevel.wait_writable(self.socket)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the kernel takes bytes, or the connection broke."""
        with self._sending:
            self._check_open()
            await self.wait_writable()

    async def send_eof(self) -> None:
        """Send a FIN after what was sent; once."""
        with self._sending:
            self._check_open()
            await trio.lowlevel.checkpoint()
            self._check_open()
            self.send_eof_nowait()

    def send_eof_nowait(self) -> None:
        """Send a FIN without letting others run; once. Raises PeerReset."""
        if self._finished:
            return
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as exc:
            raise peer_reset(exc) from exc
        self._finished = True

    def reset(self) -> None:
        """Close at once with a RST; a Unix socket, which has none, is closed."""
        if self._closed:
            return
        if not isinstance(self.remote_address, UnixAddress):
            # macOS refuses the option when the peer has reset already.
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
        self.close()

    def close(self) -> None:
        """Close at once; the kernel resets instead of finishing when bytes wait unread."""
        if self._closed:
            return
        self._closed = True
        if self._watched:
            self._poller.unregister(self.socket.fileno())
        if self._waited:
            trio.lowlevel.notify_closing(self.socket)
        self.socket.close()

    async def aclose(self) -> None:
        """Close, then let others run."""
        self.close()
        await trio.lowlevel.checkpoint()

    def call_on_reset(self, callback: Callable[[], None] | None) -> None:
        """Call back from the network's `run`; without epoll (macOS) nobody is ever called.

        There a reset is learnt late, by the next receive or send.
        """
        self._on_reset = callback
        if callback is not None and not self._closed:
            self.watch()
            if self._reset_untold:
                self._poller.again(self)

    def watch(self) -> None:
        """Have the poller tell `reader`, `writer` and `call_on_reset`, until closed."""
        if HAVE_EPOLL and not self._watched:
            self._poller.register(self.socket.fileno(), self)
            self._watched = True

    def broken(self) -> None:
        """Hear from the poller that the peer has reset; tell it once."""
        callback, self._on_reset = self._on_reset, None
        self._reset_untold = callback is None
        if callback is not None:
            callback()

    def go_on(self) -> None:
        """Tell a reset that came when nobody asked."""
        if self._on_reset is not None and not self._closed:
            self.broken()

    def unsent(self) -> int:
        """Bytes that the peer has not acknowledged; 0 when closed, and where nobody can say.

        A Unix socket counts its own bookkeeping too, and a FIN on its way counts as one.
        """
        if self._closed or sys.platform != "linux" or self._is_dead():
            return 0
        return _ask(self.socket, termios.TIOCOUTQ)  # Linux's SIOCOUTQ has the same number

    def _is_dead(self) -> bool:
        """Whether TCP has given the connection up: what is unsent then stays so for ever."""
        if isinstance(self.remote_address, UnixAddress):
            return False
        state: int = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        return state == _TCP_CLOSE

    def has_unread(self) -> bool:
        """Whether received bytes wait; False when closed."""
        return not self._closed and _ask(self.socket, termios.FIONREAD) > 0

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this stream was closed")

    def _check_sending(self) -> None:
        self._check_open()
        if self._finished:
            raise trio.ClosedResourceError("this stream has sent its end-of-file")


def _ask(sock: _Socket, request: int) -> int:
    answer: int = struct.unpack("i", fcntl.ioctl(sock, request, bytes(4)))[0]
    return answer
