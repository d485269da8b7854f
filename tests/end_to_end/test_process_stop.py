from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from support.process import Process, balancer, config_text, wait_until
from support.servers import ask, connect, echo_server, exchange, silent_server

if TYPE_CHECKING:
    import socket
    from pathlib import Path

RESET = (ConnectionResetError, BrokenPipeError)


def _wait_draining(process: Process) -> None:
    wait_until(lambda: "Draining" in process.stdout())
    with pytest.raises(ConnectionRefusedError):
        connect(process.port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_lets_a_live_connection_finish(tmp_path: Path, number: int) -> None:
    with echo_server() as backend, balancer(tmp_path, config_text(backend)) as process:
        with connect(process.port) as client:
            client.sendall(b"before")
            assert client.recv(100) == b"before"
            process.signal(number)
            _wait_draining(process)
            client.sendall(b"after")
            assert client.recv(100) == b"after"
            assert process.popen.poll() is None
            assert exchange(client, b"last") == b"last"
        assert process.wait() == 0
    assert "Draining connections=1" in process.stdout()
    assert "Stopped accepted=1" in process.stdout()
    assert process.stderr() == ""


def test_second_signal_stops_at_once(tmp_path: Path) -> None:
    with echo_server() as backend, balancer(tmp_path, config_text(backend)) as process:
        with connect(process.port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            process.signal(signal.SIGTERM)
            _wait_draining(process)
            asked = time.monotonic()
            process.signal(signal.SIGTERM)
            with pytest.raises(RESET):
                client.recv(1)
            assert time.monotonic() - asked < 0.5
            assert process.wait() == 0
        # Generous: the promise is 0.2 s, and coverage writes its data at the exit.
        assert time.monotonic() - asked < 2
    assert "ending=KD" in process.stdout()


def test_after_the_drain_timeout_the_rest_is_reset(tmp_path: Path) -> None:
    with echo_server() as backend:
        text = config_text(backend, balancer='drain_timeout = "300ms"')
        with balancer(tmp_path, text) as process, connect(process.port) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"
            asked = time.monotonic()
            process.signal(signal.SIGTERM)
            with pytest.raises(RESET):
                client.recv(1)
            assert time.monotonic() - asked >= 0.25
            assert process.wait() == 0
    assert "ending=KD" in process.stdout()


def test_before_the_drain_it_goes_on_accepting(tmp_path: Path) -> None:
    with echo_server() as backend:
        text = config_text(backend, balancer='pre_stop_delay = "2s"')
        with balancer(tmp_path, text) as process:
            asked = time.monotonic()
            process.signal(signal.SIGTERM)
            served = 0
            while time.monotonic() - asked < 0.5:
                assert ask(process.port) == b"hello"
                served += 1
            assert served > 0
            assert process.wait() == 0
            assert time.monotonic() - asked >= 1.9


def test_stopped_while_it_starts(tmp_path: Path) -> None:
    with silent_server() as backend:
        health = 'type = "expect"\nexpect = "hello"\ntimeout = "60s"\ninterval = "60s"'
        text = config_text(backend.getsockname()[1], health=health)
        with balancer(tmp_path, text, ready=False) as process:
            check, _address = backend.accept()
            asked = time.monotonic()
            process.signal(signal.SIGTERM)
            assert process.wait() == 0
            assert time.monotonic() - asked < 5
            check.close()
            assert os.read(process.ready, 100) == b""
    assert process.stderr() == ""


def test_hang_up_while_it_starts(tmp_path: Path) -> None:
    with silent_server() as backend:
        health = 'type = "expect"\nexpect = "hello"\ntimeout = "60s"\ninterval = "60s"'
        text = config_text(backend.getsockname()[1], health=health)
        with balancer(tmp_path, text, ready=False) as process:
            check, _address = backend.accept()
            process.signal(signal.SIGHUP)
            check.sendall(b"hello")
            process.wait_ready()
            assert process.stop() == 0
            check.close()


def test_who_waits_in_the_backlog_is_served_when_stopped(tmp_path: Path) -> None:
    with echo_server() as backend, balancer(tmp_path, config_text(backend)) as process:
        process.signal(signal.SIGSTOP)
        clients = [connect(process.port) for _ in range(100)]
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGCONT)
        answers = [_finish(client) for client in clients]
        assert answers == [b"hello"] * 100
        assert process.wait() == 0
    assert "Stopped accepted=100" in process.stdout()


def _finish(client: socket.socket) -> bytes:
    with client:
        return exchange(client, b"hello")
