"""The process in a system: told to a service manager, started with sockets, as another user."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.manager import Manager
from support.process import Process, balancer, config_text, wait_until
from support.servers import ask, echo_server

if TYPE_CHECKING:
    from collections.abc import Iterator

# Does as systemd does before it starts a service with sockets.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def read(manager: Manager, key: str) -> dict[str, str]:
    return manager.read_until(lambda message: key in message)


def test_systemd_hears_of_its_whole_life(tmp_path: Path) -> None:
    with Manager(str(tmp_path / "notify")) as manager, echo_server() as port:
        told = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
        with balancer(tmp_path, config_text(port), environ=told) as process:
            serving = "Serving 0 connections, 1 of 1 backends up"
            assert read(manager, "READY")["STATUS"] == serving
            read(manager, "WATCHDOG")
            process.signal(signal.SIGHUP)
            assert int(read(manager, "RELOADING")["MONOTONIC_USEC"]) > 0
            read(manager, "READY")
            process.signal(signal.SIGTERM)
            assert int(read(manager, "STOPPING")["EXTEND_TIMEOUT_USEC"]) > 30_000_000
            assert process.wait() == 0


def test_a_stuck_process_says_nothing_to_its_watchdog(tmp_path: Path) -> None:
    with Manager(str(tmp_path / "notify")) as manager:
        told = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "100000"}
        with balancer(tmp_path, config_text(9), environ=told) as process:
            read(manager, "WATCHDOG")
            process.signal(signal.SIGSTOP)
            manager.read_all()
            with pytest.raises(TimeoutError):
                manager.read(within=0.5)
            process.signal(signal.SIGCONT)
            read(manager, "WATCHDOG")


@contextmanager
def activated(tmp_path: Path, sock: socket.socket, text: str) -> Iterator[Process]:
    prefix = [sys.executable, "-c", ACTIVATE, str(sock.fileno())]
    with balancer(tmp_path, text, prefix=prefix, pass_fds=[sock.fileno()]) as process:
        yield process


@pytest.fixture
def opened() -> Iterator[socket.socket]:
    """A socket that systemd has opened."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock


def reload(process: Process) -> None:
    before = process.stdout().count("Reloaded")
    process.signal(signal.SIGHUP)
    wait_until(lambda: process.stdout().count("Reloaded") > before)


def test_it_serves_on_a_socket_that_it_was_started_with(
    tmp_path: Path, opened: socket.socket
) -> None:
    port = opened.getsockname()[1]
    with echo_server() as backend:
        text = config_text(backend, bind="fd@web")
        with activated(tmp_path, opened, text) as process:
            assert process.listeners == {"web": [f"127.0.0.1:{port}"]}
            assert ask(port, b"one") == b"one"
            files = process.open_files()
            for _ in range(3):
                reload(process)
            assert ask(port, b"two") == b"two"
            # A check may have been under way before, and each reload would leave something.
            wait_until(lambda: process.open_files() <= files)


def test_a_reload_lets_an_inherited_socket_go_and_comes_back_to_it(
    tmp_path: Path, opened: socket.socket
) -> None:
    port = opened.getsockname()[1]
    with echo_server() as backend:
        with_it = config_text(backend, bind="fd@web")
        without = config_text(backend)
        with activated(tmp_path, opened, with_it) as process:
            for text in (without, with_it):
                (tmp_path / "balancer.toml").write_text(text)
                reload(process)
            assert ask(port, b"again") == b"again"


def test_clients_wait_for_the_next_process(tmp_path: Path, opened: socket.socket) -> None:
    with echo_server() as backend:
        text = config_text(backend, bind="fd@web")
        with activated(tmp_path, opened, text) as process:
            assert process.stop() == 0
        with socket.create_connection(opened.getsockname()) as client:
            client.sendall(b"early")
            with activated(tmp_path, opened, text):
                client.settimeout(10)
                assert client.recv(5) == b"early"


def test_a_socket_that_nobody_has_handed_over(tmp_path: Path) -> None:
    with balancer(tmp_path, config_text(9, bind="fd@web"), ready=False) as process:
        assert process.wait() == 1
        assert process.stderr() == (
            "trio-balancer: listener 'web' cannot bind fd@web: this process has inherited no"
            " sockets (LISTEN_FDS, systemd.socket(5))\n"
        )


# Coverage could not write down what it has seen: the folder is another user's.
UNMEASURED = {"COVERAGE_PROCESS_CONFIG": "", "COVERAGE_PROCESS_START": ""}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_it_drops_its_privileges_once_it_is_bound(tmp_path: Path) -> None:
    # A port below 1024 on an address that nobody else uses.
    bind = "127.99.0.1:81"
    with echo_server() as backend:
        text = config_text(backend, bind=bind, balancer='user = "nobody"')
        text += '[control]\nsocket = "control.sock"\nmode = "0660"\n'
        with balancer(tmp_path, text, environ=UNMEASURED) as process:
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            fields = dict(line.split(":\t", 1) for line in status)
            nobody = pwd.getpwnam("nobody")
            assert set(map(int, fields["Uid"].split())) == {nobody.pw_uid}
            assert set(map(int, fields["Gid"].split())) == {nobody.pw_gid}
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
            control = (tmp_path / "control.sock").stat()
            assert (control.st_uid, control.st_gid) == (nobody.pw_uid, nobody.pw_gid)
            assert stat.S_IMODE(control.st_mode) == 0o660
            with socket.create_connection(("127.99.0.1", 81)) as client:
                client.settimeout(10)
                client.sendall(b"x")
                assert client.recv(1) == b"x"


def test_lines_for_the_journal_begin_with_their_level(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("wb") as journal:
        found = os.fstat(journal.fileno())
        told = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        with balancer(tmp_path, config_text(9), stdout=journal.fileno(), environ=told) as process:
            (tmp_path / "balancer.toml").write_text("[listeners]\n")
            process.signal(signal.SIGHUP)
            journal_lines = (tmp_path / "journal").read_text
            wait_until(lambda: "Not reloaded" in journal_lines())
            lines = journal_lines().splitlines()
    assert {line[:3] for line in lines if " info " in line} == {"<6>"}
    assert {line[:3] for line in lines if " error " in line} == {"<3>"}


def test_an_unknown_user_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    text = config_text(9, balancer='user = "nobdy"')
    for options in ([], ["--check"]):
        with balancer(tmp_path, text, *options, ready=False) as process:
            assert process.wait() == 2
            assert "balancer.user: this system has no user 'nobdy'" in process.stderr()
