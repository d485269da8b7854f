"""Peers of a balancer under load, each a process of its own with plain blocking sockets.

    python peers.py echo              serve echoes; prints its port
    python peers.py sink              take everything; prints its port
    python peers.py bulk PORT         send without end, until killed
    python peers.py ask PORT SECONDS  small requests on a few connections, one at a time
    python peers.py dial PORT SECONDS a new connection for each of them

The last two print what each took, in seconds, as one line of JSON.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTIONS = 8
EVERY = 0.001
# A dropped SYN is sent anew after a second, in which nothing else would be measured.
LEAST = 20
REQUEST = b"x" * 200


def _listen() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    print(listener.getsockname()[1], flush=True)
    return listener


def echo() -> None:
    with _listen() as listener, selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is listener:
                    selector.register(listener.accept()[0], selectors.EVENT_READ)
                else:
                    _answer(selector, key.fileobj)


def _answer(selector: selectors.BaseSelector, sock: object) -> None:
    assert isinstance(sock, socket.socket)
    try:
        data = sock.recv(65536)
    except ConnectionResetError:
        data = b""
    if data:
        sock.sendall(data)
    else:
        selector.unregister(sock)
        sock.close()


def sink() -> None:
    buffer = bytearray(1 << 20)
    with _listen() as listener:
        while True:
            sock, _ = listener.accept()
            with sock:
                while sock.recv_into(buffer):
                    pass


def bulk(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        chunk = bytes(1 << 20)
        while True:
            sock.sendall(chunk)


def _exchange(sock: socket.socket) -> None:
    sock.sendall(REQUEST)
    left = len(REQUEST)
    while left:
        left -= len(sock.recv(left))


def ask(port: int, seconds: float) -> None:
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    for sock in socks:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _exchange(sock)
    _repeat(seconds, lambda number: _exchange(socks[number % CONNECTIONS]))


def dial(port: int, seconds: float) -> None:
    def one(_number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            _exchange(sock)

    _repeat(seconds, one)


def _repeat(seconds: float, act: Callable[[int], None]) -> None:
    end = time.perf_counter() + seconds
    took: list[float] = []
    while (start := time.perf_counter()) < end or len(took) < LEAST:
        act(len(took))
        took.append(time.perf_counter() - start)
        time.sleep(EVERY)
    print(json.dumps(took))


def main(*arguments: str) -> None:
    match arguments:
        case ["echo"]:
            echo()
        case ["sink"]:
            sink()
        case ["bulk", port]:
            bulk(int(port))
        case ["ask", port, seconds]:
            ask(int(port), float(seconds))
        case ["dial", port, seconds]:
            dial(int(port), float(seconds))
        case _:
            sys.exit(__doc__)


main(*sys.argv[1:])
