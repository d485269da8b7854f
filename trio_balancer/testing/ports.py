"""Ports of 127.0.0.1 for servers that bind their own, without a race for them."""

from __future__ import annotations

import socket


def reserve_port() -> socket.socket:
    """Bind a free port and hold it: the socket never listens, so that a server can.

    Linux lets a second socket bind the same port where both set SO_REUSEADDR and neither listens
    yet, which servers do. Meanwhile the kernel gives the port to nobody who asks for any free
    one, neither to bind nor to dial from. Without the option, and elsewhere, the server finds the
    port in use.
    """
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
    except BaseException:
        sock.close()
        raise
    return sock


def port_of(sock: socket.socket) -> int:
    """Return the port that a socket is bound to."""
    port: int = sock.getsockname()[1]
    return port
