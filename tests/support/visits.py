"""A client that comes from any address of this machine, and may be turned away."""

from __future__ import annotations

import socket

import attrs
from support.servers import exchange


@attrs.frozen
class Visit:
    """Who it was, as a log writes it, and the whole answer; None: it was reset."""

    client: str
    answer: bytes | None


def visit(
    port: int, *, source: str = "127.0.0.1", host: str = "127.0.0.1", data: bytes = b"hello"
) -> Visit:
    """Say something and the end at an IPv4 address, and listen until the end."""
    with socket.socket() as client:
        client.settimeout(10)
        # Now and not with the connection, which may be gone before we can ask for its name.
        client.bind((source, 0))
        ip, number = client.getsockname()
        try:
            client.connect((host, port))
            answer = exchange(client, data)
        except TimeoutError:
            raise
        except OSError:  # ECONNRESET, or on a later call that there is no connection
            answer = None
    return Visit(f"{ip}:{number}", answer)
