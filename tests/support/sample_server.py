"""A server for tests of those who start servers: says its process number, and then echoes.

Run as a script: `sample_server.py PORT [WORD ...]`. The words: "exclusive" wants the port all to
itself, "deaf" never listens, "busy" finds its port in use, whichever it is.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from contextlib import suppress


def _serve(client: socket.socket) -> None:
    with client, suppress(OSError):
        client.sendall(f"{os.getpid()}\n".encode())
        while data := client.recv(65536):
            client.sendall(data)


def main(port: str, *words: str) -> None:
    """Serve for ever."""
    sys.stderr.write(f"serving at {port}, PORT={os.environ.get('PORT')}\n")
    if "busy" in words:
        raise OSError(errno.EADDRINUSE, "Address already in use")
    with socket.socket() as server:
        if "exclusive" not in words:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        if "deaf" in words:
            threading.Event().wait()
        server.listen(100)
        while True:
            threading.Thread(target=_serve, args=(server.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
