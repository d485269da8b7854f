"""Tests without async: the balancer is in a thread, and its calls block."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.testing import SyncHarness


def ask(address: tuple[str, int], text: bytes = b"hello") -> bytes:
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(text)
        return client.recv(1024)


def test_everybody_gets_the_same(balancer: SyncHarness) -> None:
    for _ in range(9):
        ask(balancer.address)
    balancer.assert_distribution({0: 3, 1: 3, 2: 3})


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_nobody_notices_a_dead_backend(balancer: SyncHarness, victim: int) -> None:
    backend = balancer.backend(victim)
    with backend.kill():
        answers = {ask(balancer.address).split()[0] for _ in range(6)}
    assert len(answers) == 2
    balancer.wait(lambda lb: all(not each.live for each in lb.connections))
    assert {each.ending for each in balancer.connections} == {"--"}


def test_a_service_moves_and_its_clients_stay(balancer: SyncHarness) -> None:
    with socket.create_connection(balancer.address, timeout=10) as client:
        client.sendall(b"before")
        before = client.recv(1024)
        balancer.retarget(0, str(balancer.backend(1).address))
        client.sendall(b"before")
        assert client.recv(1024) == before


def test_real_servers_come_and_go(balancer_factory: Callable[[], SyncHarness]) -> None:
    lb = balancer_factory()
    command = [sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
    first, _second = lb.spawn(command, instances=2)
    with first.kill():
        assert ask(lb.address, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200")
    assert first.running
