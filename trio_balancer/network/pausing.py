"""A listening TCP socket that refuses clients for a while, and whose port nobody else can take.

On Linux, `shutdown` undoes `listen` and leaves the socket bound; HAProxy pauses its listeners like
that. Elsewhere it is an error. The kernel takes a port back that it has picked itself, so only
one that was bound by its number can be kept.
"""

from __future__ import annotations

import socket
import sys

#: Whether a port can be closed and kept.
CAN_PAUSE = sys.platform == "linux"


def pause(sock: socket.socket) -> None:
    """Refuse clients; raises OSError, and nothing has changed then."""
    # With this option, which a listening socket needs for its next start, others may bind the
    # port as well while nobody listens there.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    try:
        sock.shutdown(socket.SHUT_RD)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        raise


def resume(sock: socket.socket, backlog: int) -> None:
    """Listen again; raises OSError, and nothing has changed then."""
    # Connections of before still have the port, with this option.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.listen(backlog)
    except OSError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        raise
