from __future__ import annotations

import json
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from support.process import balancer, config_text, need, wait_until
from support.servers import ask, echo_server, exchange


def test_ready_is_one_line_and_the_end(tmp_path: Path) -> None:
    text = config_text(9).replace('"127.0.0.1:0"', '["127.0.0.1:0", "[::1]:0"]')
    with balancer(tmp_path, text) as process:
        assert process.pid == process.popen.pid
        first, second = process.listeners["web"]
        for family, host, address in (
            (socket.AF_INET, "127.0.0.1", first),
            (socket.AF_INET6, "::1", second),
        ):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.connect((host, int(address.rpartition(":")[2])))
        assert first.startswith("127.0.0.1:")
        assert second.startswith("[::1]:")
        assert process.stop() == 0


def test_ready_on_standard_output_does_not_close_it(tmp_path: Path) -> None:
    with echo_server() as backend:
        text = config_text(backend)
        with balancer(tmp_path, text, "--ready-fd", "1", ready=False) as process:
            wait_until(lambda: '{"pid"' in process.stdout())
            told = next(line for line in process.stdout().splitlines() if line[0] == "{")
            port = int(json.loads(told)["listeners"]["web"][0].rpartition(":")[2])
            assert ask(port) == b"hello"
            wait_until(lambda: " connection number=1 " in process.stdout())
            assert process.stop() == 0


def test_ready_can_be_told_to_nobody(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    # As standard output, so that the helper need not know of it.
    options = ("--ready-fd", "1", "--set", "log.file=log")
    with balancer(tmp_path, config_text(9), *options, ready=False, stdout=writing) as process:
        os.close(writing)
        log = tmp_path / "log"
        wait_until(lambda: log.exists() and "Nobody could be told" in log.read_text())
        assert process.stop() == 0


def test_closed_standard_streams_are_not_a_client_s(tmp_path: Path) -> None:
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend), prefix=shell) as process,
    ):
        streams = [Path(f"/proc/{process.pid}/fd/{number}") for number in range(3)]
        assert [str(stream.readlink()) for stream in streams] == ["/dev/null"] * 3
        assert [ask(process.port) for _ in range(3)] == [b"hello"] * 3
        assert process.stop() == 0


def test_second_instance_on_one_address(tmp_path: Path) -> None:
    with echo_server() as backend, balancer(tmp_path, config_text(backend)) as first:
        address = first.listeners["web"][0]
        text = config_text(backend, bind=address)
        with balancer(tmp_path, text, ready=False, name="second") as second:
            assert second.wait() == 1
            assert second.stderr() == (
                f"trio-balancer: listener 'web' cannot bind {address}: Address already in use\n"
            )
            assert second.stdout() == ""
        assert ask(first.port) == b"hello"


def test_no_half_start(tmp_path: Path) -> None:
    """What could be bound before the address in use is let go again, also a Unix socket."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = config_text(9, bind="unix:web.sock")
        text += f'[listeners.late]\nbind = "127.0.0.1:{taken.getsockname()[1]}"\npool = "app"\n'
        with balancer(tmp_path, text, ready=False) as process:
            assert process.wait() == 1
    assert not (tmp_path / "web.sock").exists()


def test_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with echo_server() as backend:
        text = config_text(backend, bind="unix:web.sock", listener='mode = "0660"')
        with balancer(tmp_path, text) as killed:
            killed.signal(signal.SIGKILL)
            assert killed.wait() == -signal.SIGKILL
        assert path.is_socket()
        with balancer(tmp_path, text) as process:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert _ask_unix(path) == b"hello"
            with balancer(tmp_path, text, ready=False, name="second") as second:
                assert second.wait() == 1
                assert "another process listens at" in second.stderr()
            assert _ask_unix(path) == b"hello"
            assert process.stop() == 0
    assert not path.exists()


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    path.write_text("precious")
    with balancer(tmp_path, config_text(9, bind="unix:web.sock"), ready=False) as process:
        assert process.wait() == 1
    assert "is not a socket, so it is not replaced" in process.stderr()
    assert path.read_text() == "precious"


def test_open_files_are_raised_to_the_hard_limit(tmp_path: Path) -> None:
    need("prlimit")
    prefix = ["prlimit", "--nofile=256:1500"]
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend), prefix=prefix) as process,
    ):
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
        assert line.split()[3:5] == ["1500", "1500"]
        assert process.stop() == 0


@pytest.mark.parametrize(("wanted", "status"), [(653, 0), (654, 2)])
def test_connections_must_fit_into_open_files(tmp_path: Path, wanted: int, status: int) -> None:
    need("prlimit")
    prefix = ["prlimit", "--nofile=256:1500"]
    text = config_text(9, balancer=f"max_connections = {wanted}")
    with balancer(tmp_path, text, "--check", ready=False, prefix=prefix) as process:
        assert process.wait() == status
    if status:
        assert "the limit is 1500: at most 653 would fit" in process.stderr()
    else:
        assert "at most 653 connections" in process.stdout()


def test_wrong_configuration_is_told_on_standard_error(tmp_path: Path) -> None:
    text = config_text(9, listener='poool = "app"').replace('pool = "app"', 'pool = "ap"', 1)
    with balancer(tmp_path, text, ready=False) as process:
        assert process.wait() == 2
    assert process.stdout() == ""
    problems = process.stderr().splitlines()
    assert len(problems) == 2
    assert "did you mean 'pool'?" in process.stderr()
    assert "did you mean 'app'?" in process.stderr()


def _ask_unix(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(str(path))
        return exchange(client, b"hello")
