"""The filter `bandwidth` in a running balancer, measured on real sockets.

Where there is little time (`support.scale`), for one second instead of five.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from support.process import Process, balancer, config_text
from support.scale import LONG
from support.servers import connect, silent_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

RATE = 4_000_000  # bytes a second
SECONDS = 5.0 if LONG else 1.0
pytestmark = pytest.mark.heavy

# What may be on its way at once: bursts, and what kernels have in their buffers.
BEGINNING = 1_000_000


@contextmanager
def _pairs(
    directory: Path, bandwidth: str, count: int
) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Connect clients through a balancer; yields each with its backend's end."""
    filters = f'[[listeners.web.filters]]\nuse = "bandwidth"\n{bandwidth}\n'
    with (
        silent_server() as server,
        balancer(directory, config_text(server.getsockname()[1], listener=filters)) as process,
        ExitStack() as stack,
    ):
        yield [_pair(process, server, stack) for _ in range(count)]


def _pair(
    process: Process, server: socket.socket, stack: ExitStack
) -> tuple[socket.socket, socket.socket]:
    client = stack.enter_context(connect(process.port))
    backend, _ = server.accept()
    return client, stack.enter_context(backend)


@contextmanager
def _sending(socks: Sequence[socket.socket]) -> Iterator[None]:
    """Send as much as each takes, until the block is over."""

    def send(sock: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock.sendall(bytes(65536))

    threads = [threading.Thread(target=send, args=(sock,)) for sock in socks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for sock in socks:
            sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def _rates(socks: Sequence[socket.socket]) -> list[float]:
    """Receive on all of them; return the bytes a second of each, the beginning left out."""
    rates = [0.0] * len(socks)

    def receive(number: int, sock: socket.socket) -> None:
        rates[number] = _rate(sock)

    threads = [threading.Thread(target=receive, args=each) for each in enumerate(socks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rates


def _rate(sock: socket.socket) -> float:
    received = -BEGINNING
    while received < 0:
        received += len(sock.recv(65536))
    count, began = 0, time.monotonic()
    while (now := time.monotonic()) < began + SECONDS:
        count += len(sock.recv(65536))
    return count / (now - began)


MB = f"{RATE // 1_000_000}MB/s"


def test_each_connection_gets_what_it_may_both_ways(tmp_path: Path) -> None:
    with _pairs(tmp_path, f'up = "{MB}"\ndown = "{MB}"', 2) as pairs:
        everybody = [sock for pair in pairs for sock in pair]
        with _sending(everybody):
            rates = _rates(everybody)
    assert rates == [pytest.approx(RATE, rel=0.05)] * 4


def test_all_connections_share_what_a_listener_may(tmp_path: Path) -> None:
    with _pairs(tmp_path, f'listener_up = "{MB}"\nlistener_down = "{MB}"', 2) as pairs:
        everybody = [sock for pair in pairs for sock in pair]
        with _sending(everybody):
            rates = _rates(everybody)
    for shares in (rates[::2], rates[1::2]):  # those of the clients, then those of the backends
        assert sum(shares) == pytest.approx(RATE, rel=0.05)
        # Each measures at a moment of its own, so this is rougher.
        assert shares == [pytest.approx(RATE / 2, rel=0.25)] * 2


def test_the_other_direction_is_free(tmp_path: Path) -> None:
    with _pairs(tmp_path, f'up = "{MB}"', 1) as [(client, backend)], _sending([backend]):
        [rate] = _rates([client])
    assert rate > 2 * RATE
