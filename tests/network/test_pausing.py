"""Only what the kernel can show: who else may have a port that is closed for a while."""

from __future__ import annotations

import errno
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support.servers import free_port

from trio_balancer.network import pausing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(bind("127.0.0.1", free_port())) as sock:
        sock.listen(10)
        yield sock


def bind(host: str, port: int, *, reuse: bool = True) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("reuse", [True, False])
def test_nobody_else_gets_the_port(listening: socket.socket, host: str, reuse: bool) -> None:  # noqa: FBT001  # a table
    pausing.pause(listening)
    with pytest.raises(OSError, match="in use") as caught:
        bind(host, listening.getsockname()[1], reuse=reuse)
    assert caught.value.errno == errno.EADDRINUSE


def test_it_comes_back_beside_its_own_connections(listening: socket.socket) -> None:
    name = listening.getsockname()
    with socket.create_connection(name) as client, listening.accept()[0] as server:
        pausing.pause(listening)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(name)
        server.close()  # our side first: the port is in TIME_WAIT from now on
        assert client.recv(1) == b""
    pausing.resume(listening, 10)
    with socket.create_connection(name), listening.accept()[0]:
        pass


def test_what_fails_changes_nothing() -> None:
    with bind("127.0.0.1", free_port()) as sock:
        with pytest.raises(OSError, match="not connected"):
            pausing.pause(sock)  # it never listened
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_a_port_that_was_lost_stays_lost(listening: socket.socket) -> None:
    pausing.pause(listening)
    # As a process may that was between our two system calls.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with bind("127.0.0.1", listening.getsockname()[1]) as thief:
        thief.listen()
        with pytest.raises(OSError, match="in use"):
            pausing.resume(listening, 10)
        assert not listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
