"""A port that is closed while nobody stands behind it, as the kernel and others see it."""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING

import pytest
from support.process import balancer, config_text, wait_until
from support.servers import ask, connect, echo_server, free_port

if TYPE_CHECKING:
    from pathlib import Path

CLOSES = "close_when_down = true"
HEALTH = 'interval = "100ms"\ntimeout = "1s"\nrise = 1\nfall = 1'


def refuses(port: int) -> bool:
    """Whether nobody listens; one who was in the queue while the port closed is reset."""
    with socket.socket() as client:
        client.settimeout(10)
        return client.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


@pytest.mark.parametrize("picked", [True, False], ids=["picked port", "given port"])
def test_it_closes_cannot_be_taken_and_comes_back(tmp_path: Path, picked: bool) -> None:  # noqa: FBT001  # a table
    behind, front = free_port(), 0 if picked else free_port()
    text = config_text(behind, bind=f"127.0.0.1:{front}", listener=CLOSES, health=HEALTH)
    with balancer(tmp_path, text) as process:
        port = process.port
        assert refuses(port), "nobody is there yet"
        for _ in range(3):
            with echo_server(behind):
                wait_until(lambda: not refuses(port))
                client = connect(port)
                client.sendall(b"before")
                assert client.recv(100) == b"before"
            wait_until(lambda: refuses(port))
            client.sendall(b"after")
            assert client.recv(100) == b"after", "who is there stays"
            client.close()
            assert _bind(port) == errno.EADDRINUSE
        assert process.stop() == 0


def _bind(port: int) -> int:
    """Try to take a port as another server would; return the errno, 0 if it was free."""
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            thief.bind(("127.0.0.1", port))
        except OSError as error:
            return error.errno or 0
    return 0


def test_a_unix_socket_refuses_and_comes_back(tmp_path: Path) -> None:
    behind, path = free_port(), tmp_path / "front.sock"
    text = config_text(behind, bind=f"unix:{path}", listener=CLOSES, health=HEALTH)
    with balancer(tmp_path, text) as process:
        for _ in range(2):
            wait_until(lambda: _dial(path) == errno.ECONNREFUSED)
            with echo_server(behind):
                wait_until(lambda: _dial(path) == 0)
        assert process.stop() == 0
    assert not path.exists()


def _dial(path: Path) -> int:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path))


def test_without_the_key_who_comes_is_reset(tmp_path: Path) -> None:
    with balancer(tmp_path, config_text(free_port(), health=HEALTH)) as process:
        wait_until(lambda: "Backend is DOWN" in process.stdout())
        with pytest.raises(ConnectionResetError):
            ask(process.port)
        assert process.stop() == 0
