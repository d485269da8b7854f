"""Backends in threads of the test's own process, for balancers that are processes."""

from __future__ import annotations

import secrets
import socket
import threading
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Echo(BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 4096


@contextmanager
def echo_server(port: int = 0) -> Iterator[int]:
    """Send back whatever comes, then the end; yields the port on 127.0.0.1."""
    with _Server(("127.0.0.1", port), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_server() -> Iterator[socket.socket]:
    """Yield a listening socket on 127.0.0.1: nothing is accepted unless the test does it."""
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        server.settimeout(10)
        yield server


def free_port() -> int:
    """Return a port on 127.0.0.1 that was free a moment ago, for programs that take no 0.

    It is below those that kernels give to clients, or one of the many in a test run might get it
    in between.
    """
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as server, suppress(OSError):
            server.bind(("127.0.0.1", port))
            return port


def connect(port: int, timeout: float = 10) -> socket.socket:
    """Connect to a port on 127.0.0.1."""
    return socket.create_connection(("127.0.0.1", port), timeout)


def ask(port: int, request: bytes = b"hello") -> bytes:
    """Send one request on a connection of its own, finish, and return the answer."""
    with connect(port) as client:
        return exchange(client, request)


def exchange(client: socket.socket, request: bytes) -> bytes:
    """Send a request and the end on a connection, and return what comes until its end."""
    client.sendall(request)
    client.shutdown(socket.SHUT_WR)
    answer = bytearray()
    while data := client.recv(65536):
        answer += data
    return bytes(answer)
