"""A listening socket of the real network."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.kernel import from_kernel
from trio_balancer.network.seam import Listener
from trio_balancer.network.socket_stream import SocketStream

if TYPE_CHECKING:
    import socket

    from trio_balancer.network.resets import ResetWatcher
    from trio_balancer.network.unix import UnixPath

# What accept says of a client that came and went. The second line are a new socket's pending
# network errors, which Linux passes on (accept(2): "treat them like EAGAIN by retrying").
_GONE_AT_ACCEPT = {errno.ECONNABORTED, errno.EPROTO} | {
    *(errno.ENETDOWN, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.EHOSTUNREACH),
    *(errno.EOPNOTSUPP, errno.ENETUNREACH),
}


@final
class SocketListener(Listener):
    """A listening TCP or Unix socket; takes the socket, which must not block."""

    def __init__(
        self, sock: socket.socket, resets: ResetWatcher, path: UnixPath | None = None
    ) -> None:
        self.socket = sock
        self.address = from_kernel(sock.getsockname())
        self._resets = resets
        self._path = path
        self._closed = False

    async def wait_ready(self) -> None:
        """Wait until somebody waits to be accepted."""
        self._check_open()
        await trio.lowlevel.wait_readable(self.socket)

    def accept_nowait(self) -> SocketStream:
        """Accept one connection; who is gone already is passed over."""
        self._check_open()
        while True:
            try:
                sock, name = self.socket.accept()
            except OSError as exc:
                if exc.errno not in _GONE_AT_ACCEPT:
                    raise
            else:
                sock.settimeout(0)
                return SocketStream(sock, from_kernel(name), self._resets)

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
