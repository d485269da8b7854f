"""A client that connects as fast as one processor can, until killed.

python flood.py PORT SOURCE wait     until it is refused, then once more
python flood.py PORT SOURCE leave    and leaves at once, so that the kernel's queue fills
"""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress

# To close with a reset: an end-of-file would leave us without ports before long.
ABRUPTLY = struct.pack("ii", 1, 0)
# From linux/in.h: the port is chosen when we connect, which is faster than when we bind.
IP_BIND_ADDRESS_NO_PORT = 24


def connect(port: int, source: str, *, wait: bool) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((source, 0))
        with suppress(ConnectionError):
            client.connect(("127.0.0.1", port))
            if wait:
                client.recv(1)


def main(*arguments: str) -> None:
    match arguments:
        case [port, source, ("wait" | "leave") as manner]:
            while True:
                connect(int(port), source, wait=manner == "wait")
        case _:
            sys.exit(__doc__)


main(*sys.argv[1:])
