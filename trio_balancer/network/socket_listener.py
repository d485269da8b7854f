"""A listening socket of the real network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.network import pausing
from trio_balancer.network.kernel import change_options, from_kernel
from trio_balancer.network.seam import Listener
from trio_balancer.network.socket_stream import SocketStream
from trio_balancer.network.unix import put_deaf
from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    import socket

    from trio_balancer.network.poller import Poller
    from trio_balancer.network.seam import SocketOptions
    from trio_balancer.network.unix import UnixPath


class SocketListener(Listener):
    """A listening TCP or Unix socket; takes the socket, which must not block."""

    def __init__(
        self, sock: socket.socket, poller: Poller, backlog: int, path: UnixPath | None = None
    ) -> None:
        self.socket = sock
        self.address = from_kernel(sock.getsockname())
        self._poller = poller
        self._backlog = backlog
        self._path = path
        self._closed = False
        #: While it is paused; set when that is over.
        self._resumed: trio.Event | None = None

    async def wait_ready(self) -> None:
        """Wait until somebody waits to be accepted."""
        ready = False
        while not ready:
            self._check_open()
            if self._resumed is not None:
                await self._sit_out(self._resumed)
            else:
                ready = await self._wait_readable()

    async def _sit_out(self, resumed: trio.Event) -> None:
        """Wait until a pause is over."""
        await resumed.wait()

    async def _wait_readable(self) -> bool:
        """Say whether somebody waits; not when the listener was paused meanwhile."""
        sock = self.socket
        try:
            await trio.lowlevel.wait_readable(sock)
        except trio.ClosedResourceError:
            if self._closed:
                raise
        return self._resumed is None and sock is self.socket

    def accept_nowait(self) -> SocketStream:
        """Accept one connection.

        Every error of the kernel is raised, ECONNABORTED and the network errors of a client that
        is gone included: trying again at once could spin.
        """
        self._check_open()
        if self._resumed is not None:
            raise BlockingIOError("this listener is paused")
        sock, name = self.socket.accept()
        sock.settimeout(0)
        return SocketStream(sock, from_kernel(name), self._poller)

    def close(self) -> None:
        """Stop listening; a Unix socket's path is removed if it is still ours."""
        if self._closed:
            return
        self._closed = True
        # Before the socket is closed: while it listens, nobody else takes the path over.
        if self._path is not None:
            self._path.unlink()
        self._close_socket()
        if self._resumed is not None:
            self._resumed.set()

    def pause(self) -> None:
        """Refuse clients and keep the address; for TCP, on Linux only."""
        self._check_open()
        if self._resumed is not None:
            return
        if self._path is None:
            pausing.pause(self.socket)
        else:
            deaf, self._path = put_deaf(self._path)
            self._close_socket()
            self.socket = deaf
        self._resumed = trio.Event()

    def resume(self) -> None:
        """Listen again."""
        self._check_open()
        if self._resumed is None:
            return
        if self._path is None:
            pausing.resume(self.socket, self._backlog)
        else:
            self.socket.listen(self._backlog)
        self._resumed.set()
        self._resumed = None

    def configure(self, *, backlog: int, options: SocketOptions) -> None:
        """Change what the kernel does for later clients; the accept queue stays."""
        self._check_open()
        self._backlog = backlog
        if isinstance(self.address, InetAddress):
            change_options(self.socket, options)
        if self._resumed is None:
            self.socket.listen(backlog)

    def _close_socket(self) -> None:
        trio.lowlevel.notify_closing(self.socket)
        self.socket.close()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this listener was closed")
