"""A client that connects and leaves, as fast as one processor can, until killed.

python flood.py PORT SOURCE
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


def main(port: int, source: str) -> None:
    while True:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPTLY)
            client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            client.bind((source, 0))
            with suppress(ConnectionError):
                client.connect(("127.0.0.1", port))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
