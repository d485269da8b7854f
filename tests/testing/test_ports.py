from __future__ import annotations

import errno
import socket
import sys

import pytest

from trio_balancer.testing.ports import port_of, reserve_port

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux's rules of SO_REUSEADDR")


@linux
def test_a_reserved_port_is_free_for_a_server_that_reuses_addresses() -> None:
    with reserve_port() as reserved:
        address = ("127.0.0.1", port_of(reserved))
        for _ in range(2):
            with socket.create_server(address):  # sets SO_REUSEADDR
                socket.create_connection(address).close()


def test_nobody_answers_at_a_reserved_port() -> None:
    with reserve_port() as reserved, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(reserved)))


def test_a_server_that_wants_it_all_to_itself_finds_it_in_use() -> None:
    with reserve_port() as reserved, socket.socket() as server:
        with pytest.raises(OSError, match="in use") as caught:
            server.bind(("127.0.0.1", port_of(reserved)))
        assert caught.value.errno == errno.EADDRINUSE


def test_no_two_are_the_same() -> None:
    reserved = [reserve_port() for _ in range(100)]
    assert len({port_of(sock) for sock in reserved}) == 100
    for sock in reserved:
        sock.close()


def test_nothing_stays_open_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Unlucky(socket.socket):
        def bind(self, _address: object) -> None:
            made.append(self)
            raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(socket, "socket", Unlucky)
    with pytest.raises(OSError, match="in use"):
        reserve_port()
    assert [sock.fileno() for sock in made] == [-1]
