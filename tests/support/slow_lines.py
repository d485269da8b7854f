"""A line to a server over which a client's bytes arrive one at a time."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING

from support.servers import connect

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Line(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Bytewise)
        self.port = port


class _Bytewise(BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Line)
        with connect(self.server.port) as server:
            # Each byte in a segment of its own, sent at once.
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_carry, args=(server, self.request))
            back.start()
            with suppress(OSError):
                while data := self.request.recv(65536):
                    for at in range(len(data)):
                        server.send(data[at : at + 1])
                server.shutdown(socket.SHUT_WR)
            back.join()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def slow_line(port: int) -> Iterator[int]:
    """Lead to a port on 127.0.0.1 while the block runs; yields the port to connect to."""
    with _Line(port) as line:
        thread = threading.Thread(target=line.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield line.server_address[1]
        finally:
            line.shutdown()
            thread.join()
