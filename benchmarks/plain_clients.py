"""Clients on plain sockets: connections that each had one answer, and then stay as they are."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from benchmarks.backends import BODY
from benchmarks.processes import HOST, BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = b"GET / HTTP/1.1\r\nHost: benchmark\r\n\r\n"

_PATIENCE = 10
_ENOUGH = 4096


@contextmanager
def answered(port: int, count: int) -> Iterator[list[tuple[socket.socket, bytes]]]:
    """Open connections, ask on all, and hand them over with their answers.

    Raises BenchmarkError when one is refused, closed or not answered.
    """
    with ExitStack() as stack:
        try:
            sockets = [stack.enter_context(_connect(port)) for _ in range(count)]
            for one in sockets:
                one.sendall(REQUEST)
            clients = [(one, _answer(one)) for one in sockets]
        except OSError as error:
            raise BenchmarkError(f"a client failed: {error}") from error
        yield clients


def _connect(port: int) -> socket.socket:
    client = socket.create_connection((HOST, port), timeout=_PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _answer(client: socket.socket) -> bytes:
    data = b""
    while not data.endswith(BODY.encode()):
        chunk = client.recv(_ENOUGH)
        if not chunk:
            raise BenchmarkError(f"a client was closed after {data!r}")
        data += chunk
    return data
