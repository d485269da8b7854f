"""The runtime socket and the log of a real process, as operators and their tools use them."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from support.process import Process, balancer, need, wait_until
from support.servers import ask, connect, echo_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONFIG = """
[control]
socket = "control.sock"
[log]
format = "json"
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[pools.app]
health.type = "none"
backends = [
  {{ name = "s1", address = "127.0.0.1:{port}", weight = 10 }},
  {{ name = "s2", address = "127.0.0.1:{port}", weight = 20, backup = true }},
]
""".replace('127.0.0.1:{port}", weight = 20', 'localhost:{port}", weight = 20')
_SILENT_CLIENTS = 100


@contextmanager
def controlled(directory: Path) -> Iterator[tuple[Process, Path]]:
    """Run a balancer with a runtime socket; yields it and the socket's path."""
    with (
        echo_server() as port,
        balancer(directory, _CONFIG.format(port=port)) as process,
    ):
        yield process, directory / "control.sock"


def dial(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(path))
    return client


def one_liner(line: str, path: Path) -> str:
    """Run what an operator types."""
    command = f"echo '{line}' | socat - UNIX-CONNECT:{path}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


def command(line: str, path: Path) -> str:
    with dial(path) as client:
        client.sendall(f"{line}\n".encode())
        received = b""
        while data := client.recv(65536):
            received += data
    return received.decode()


def test_only_the_owner_may_connect(tmp_path: Path) -> None:
    with controlled(tmp_path) as (process, path):
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert process.stop() == 0
    assert not path.exists()


def test_another_user_may_not_connect(tmp_path: Path) -> None:
    need("setpriv")
    with controlled(tmp_path) as (_, path):
        for folder in (tmp_path, *tmp_path.parents):
            if folder.owner() == tmp_path.owner() and folder.stat().st_uid != 0:
                pytest.skip("only root can become somebody else")
            with suppress(PermissionError):
                folder.chmod(folder.stat().st_mode | 0o011)
        dialling = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        done = subprocess.run(
            [*somebody, "/usr/bin/python3", "-c", dialling, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert "PermissionError" in done.stderr


def test_socat_one_liners(tmp_path: Path) -> None:
    need("socat")
    with controlled(tmp_path) as (process, path):
        assert ask(process.port) == b"hello"
        assert one_liner("show info", path).startswith("Name: HAProxy\n")
        assert one_liner("get weight app/s1", path) == "10 (initial 10)\n\n"
        assert one_liner("set weight app/s1 50%; get weight app/s1", path) == (
            "\n5 (initial 10)\n\n"
        )
        assert one_liner("disable server app/s1", path) == "\n"
        (line,) = [
            line
            for line in one_liner("show stat app 4 -1", path).splitlines()
            if line.startswith("app,s1,")
        ]
        assert ",MAINT," in line
        assert ask(process.port) == b"hello"
        status = json.loads(one_liner('{"do": "status"}', path))
        backends = status["result"]["pools"][0]["backends"]
        assert [each["total"] for each in backends] == [1, 1]
        assert status["result"]["config_file"] == str(tmp_path / "balancer.toml")
        assert one_liner("show nothing", path).startswith("Unknown command")


def test_reload(tmp_path: Path) -> None:
    with controlled(tmp_path) as (process, path):
        file = tmp_path / "balancer.toml"
        text = file.read_text()
        command("set weight app/s2 3", path)
        file.write_text(text.replace("weight = 10", "weight = 11"))
        reply = json.loads(command('{"do": "reload"}', path))
        assert reply["ok"] is True
        assert command("get weight app/s1", path) == "11 (initial 11)\n\n"
        # What an operator has set lasts until the file's own value changes.
        assert command("get weight app/s2", path) == "3 (initial 20)\n\n"
        file.write_text("nonsense")
        reply = json.loads(command('{"do": "reload"}', path))
        assert reply["error"]["code"] == "reload-failed"
        assert "this is no TOML" in reply["error"]["message"]
        assert ask(process.port) == b"hello"


def test_clients_that_do_not_behave_disturb_nobody(tmp_path: Path) -> None:
    with controlled(tmp_path) as (process, path):
        before = process.open_files()
        silent = [dial(path) for _ in range(_SILENT_CLIENTS)]
        with dial(path) as endless, suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(10):
                endless.sendall(b"x" * 1_000_000)
        with dial(path) as deaf:
            deaf.sendall(b"prompt\n")
            deaf.settimeout(0.05)
            with suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
                while True:
                    deaf.sendall(b"help\n" * 1000)
            with connect(process.port) as client:
                for _ in range(100):
                    client.sendall(b"hello")
                    assert client.recv(5) == b"hello"
            assert command("get weight app/s1", path) == "10 (initial 10)\n\n"
        memory = _resident(process)
        assert memory < 150_000_000
        assert process.open_files() < before + 60
        for each in silent:
            each.close()
        wait_until(lambda: process.open_files() <= before + 1)


def _resident(process: Process) -> int:
    """Return how much memory it has, in bytes."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:  # noqa: PTH123 - no file
        (line,) = [line for line in status if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def test_a_tail_tells_each_connection_as_it_ends(tmp_path: Path) -> None:
    with controlled(tmp_path) as (process, path), dial(path) as client:
        client.sendall(b'{"do": "tail", "ending": "--"}\n')
        with client.makefile() as lines:
            # The command and the connection come over different sockets.
            wait_until(lambda: ask(process.port) == b"hello" and _has_data(client))
            ending = json.loads(lines.readline())
    assert (ending["ending"], ending["bytes_up"], ending["bytes_down"]) == ("--", 5, 5)


def _has_data(client: socket.socket) -> bool:
    client.settimeout(0)
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        client.settimeout(10)


def test_haproxyadmin_works_unmodified(tmp_path: Path) -> None:
    haproxy = pytest.importorskip("haproxyadmin.haproxy")
    with controlled(tmp_path) as (process, path):
        assert ask(process.port) == b"hello"
        hap = haproxy.HAProxy(socket_file=str(path))
        assert hap.processids == [str(process.pid)]
        assert hap.totalrequests == hap.metric("CumReq") == 1
        assert [each.name for each in hap.frontends()] == ["web"]
        assert [each.name for each in hap.backends()] == ["app"]
        assert {each.name for each in hap.servers(backend="app")} == {"s1", "s2"}

        (frontend,) = hap.frontends()
        assert (frontend.status, frontend.metric("stot")) == ("OPEN", 1)
        assert frontend.disable() is True
        wait_until(lambda: frontend.status == "PAUSED")
        assert frontend.enable() is True
        assert frontend.setmaxconn(40) is True
        assert frontend.maxconn == 40

        server = hap.server("s1", backend="app")[0]
        assert (server.status, server.weight, server.metric("stot")) == ("no check", "10", 1)
        assert server.setweight(5) is True
        assert server.weight == "5"
        for state, shown in (("drain", "DRAIN"), ("maint", "MAINT"), ("ready", "no check")):
            assert server.setstate(state) is True
            assert server.status == shown
        assert server.shutdown() is True
        server.port = 9
        assert server.port == "9"
        assert hap.setmaxconn(100) is True
        assert hap.clearcounters() is True
        assert hap.clearcounters(all=True) is True
        (backend,) = hap.backends()
        assert (backend.status, backend.metric("stot")) == ("UP", 0)


def test_halog_reads_every_connection_of_the_log(tmp_path: Path) -> None:
    need("halog")
    config = _CONFIG.replace('format = "json"', 'format = "haproxy"\nfile = "balancer.log"')
    with echo_server() as port, balancer(tmp_path, config.format(port=port)) as process:
        for _ in range(20):
            assert ask(process.port) == b"hello"
        assert process.stop() == 0
    # What is no connection has no accept date, as in HAProxy's own files; grep leaves it out.
    halog = f"grep ']: 127.0.0.1:' {tmp_path / 'balancer.log'} | halog -v -H"
    done = subprocess.run(["sh", "-c", halog], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "20 lines in, 20 lines out, 0 parsing errors"
    assert done.stdout.count(" web app/s1 ") == 20
