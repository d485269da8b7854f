"""A listening socket of the real network."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.kernel import from_kernel
from trio_balancer.network.seam import Listener
from trio_balancer.network.socket_stream import SocketStream

if TYPE_CHECKING:
    import socket

    from trio_balancer.network.poller import Poller
    from trio_balancer.network.unix import UnixPath


@final
class SocketListener(Listener):
    """A listening TCP or Unix socket; takes the socket, which must not block."""

    def __init__(self, sock: socket.socket, poller: Poller, path: UnixPath | None = None) -> None:
        self.socket = sock
        self.address = from_kernel(sock.getsockname())
        self._poller = poller
        self._path = path
        self._closed = False

    async def wait_ready(self) -> None:
        """Wait until somebody waits to be accepted."""
        self._check_open()
        await trio.lowlevel.wait_readable(self.socket)

    def accept_nowait(self) -> SocketStream:
        """Accept one connection.

        Every error of the kernel is raised, ECONNABORTED and the network errors of a client that
        is gone included: trying again at once could spin.
        """
        self._check_open()
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
        trio.lowlevel.notify_closing(self.socket)
        self.socket.close()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this listener was closed")
