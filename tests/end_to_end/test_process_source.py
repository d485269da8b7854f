"""Addresses that a running balancer dials from."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from support.process import balancer, config_text, wait_until
from support.servers import connect, silent_server
from support.visits import visit

if TYPE_CHECKING:
    from pathlib import Path

CHECKED = 'type = "tcp"\ninterval = "50ms"'


@pytest.mark.parametrize("source", ["127.0.0.2", "127.255.1.9"])
def test_backends_are_dialled_from_there(tmp_path: Path, source: str) -> None:
    pool = f'source = ["{source}", "::1"]'
    with (
        silent_server() as server,
        balancer(tmp_path, config_text(server.getsockname()[1], pool=pool)) as process,
        connect(process.port) as client,
    ):
        backend, name = server.accept()
        with backend:
            client.sendall(b"hello")
            assert backend.recv(100) == b"hello"
    assert name[0] == source


def test_checks_take_the_same_way(tmp_path: Path) -> None:
    pool = 'source = "127.0.0.2"'
    with silent_server() as server:
        text = config_text(server.getsockname()[1], pool=pool, health=CHECKED)
        with balancer(tmp_path, text):
            names = [_accept_and_close(server) for _ in range(3)]
    assert {name[0] for name in names} == {"127.0.0.2"}


def _accept_and_close(server: socket.socket) -> tuple[str, int]:
    """Take the next one; return where it came from."""
    accepted, name = server.accept()
    accepted.close()
    return str(name[0]), name[1]


def test_an_address_that_this_machine_has_not(tmp_path: Path) -> None:
    # Kept for documentation (RFC 5737), so nobody has it.
    pool = 'source = "192.0.2.1"\nconnect_attempts = 1'
    with (
        silent_server() as server,
        balancer(
            tmp_path,
            config_text(server.getsockname()[1], pool=pool, log='format = "json"'),
        ) as process,
    ):
        assert visit(process.port).answer is None
        wait_until(lambda: len(process.records()) == 1)
        [record] = process.records()
    # Our own trouble, and no fault of the backend.
    assert (record["ending"], record["backend_address"] is None) == ("RC", False)
