from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.nginx import nginx
from support.process import balancer, config_text, need, wait_until
from support.scale import scaled
from support.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PING = 'type = "expect"\nsend = "PING\\r\\n"\nexpect = "+PONG"\ninterval = "100ms"\nfall = 2'


def _run(*command: str | int | Path) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def _program(*command: str | int | Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [str(word) for word in command]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as program:
        try:
            yield program
        finally:
            program.kill()


@contextmanager
def _redis(directory: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = free_port()
    options = ("--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no")
    with _program("redis-server", *options, "--dir", directory) as server:
        wait_until(lambda: _is_redis(port))
        yield port, server


def _is_redis(port: int) -> bool:
    command = ["redis-cli", "-p", str(port), "ping"]
    return subprocess.run(command, capture_output=True, check=False).stdout == b"PONG\n"


def test_curl(tmp_path: Path) -> None:
    need("curl", "nginx")
    with (
        nginx(tmp_path, "red") as server,
        balancer(tmp_path, config_text(server.port)) as process,
    ):
        data = bytes(range(256)) * 4096
        (server.directory / "files" / "data").write_bytes(data)
        url = f"http://127.0.0.1:{process.port}"
        assert _run("curl", "-sS", f"{url}/") == "red\n"
        # Two requests on one connection.
        assert _run("curl", "-sS", f"{url}/", f"{url}/") == "red\nred\n"
        copy = tmp_path / "copy"
        _run("curl", "-sS", "-o", copy, f"{url}/files/data")
        assert copy.read_bytes() == data
        assert process.stop() == 0
    assert "Stopped accepted=3" in process.stdout()


@pytest.mark.heavy
def test_ab(tmp_path: Path) -> None:
    need("ab", "nginx")
    count = scaled(10_000)
    with (
        nginx(tmp_path, "red") as server,
        balancer(tmp_path, config_text(server.port)) as process,
    ):
        figures = _run("ab", "-n", count, "-c", 20, f"http://127.0.0.1:{process.port}/")
        assert process.stop() == 0
    assert f"Complete requests:      {count}\n" in figures
    assert "Failed requests:        0\n" in figures
    # It may have opened a few more than it needed in the end.
    assert process.stdout().count(" ending=-- ") >= count


@pytest.mark.heavy
def test_redis(tmp_path: Path) -> None:
    need("redis-server", "redis-cli", "redis-benchmark")
    with (
        _redis(tmp_path) as (port, server),
        balancer(tmp_path, config_text(port, health=PING)) as process,
    ):
        through = ("-p", process.port)
        assert _run("redis-cli", *through, "set", "key", "value") == "OK\n"
        assert _run("redis-cli", *through, "get", "key") == "value\n"
        options = ("-n", scaled(100_000), "-c", 50, "-P", 4, "-t", "set,get", "--csv")
        figures = _run("redis-benchmark", *through, *options)
        assert '"SET"' in figures
        assert '"GET"' in figures
        server.kill()
        wait_until(lambda: "Backend is DOWN" in process.stdout())
        assert process.stop() == 0


def test_redis_that_answers_something_else_is_down(tmp_path: Path) -> None:
    need("redis-server", "redis-cli")
    with (
        _redis(tmp_path) as (port, _server),
        balancer(tmp_path, config_text(port, health=PING)) as process,
    ):
        assert _run("redis-cli", "-p", port, "config", "set", "requirepass", "x") == "OK\n"
        wait_until(lambda: "Backend is DOWN" in process.stdout())
        _run("redis-cli", "-p", port, "-a", "x", "config", "set", "requirepass", "")
        wait_until(lambda: "Backend is UP" in process.stdout())
        assert _run("redis-cli", "-p", process.port, "ping") == "PONG\n"
        assert process.stop() == 0


@pytest.mark.heavy
@pytest.mark.parametrize("direction", [(), ("-R",), ("-P", "4")])
def test_iperf3(tmp_path: Path, direction: tuple[str, ...]) -> None:
    need("iperf3")
    port = free_port()
    amount = scaled(2000) * 1024 * 1024
    # Without checks: iperf3 takes each connection for a client's.
    with (
        _program("iperf3", "-s", "-p", port, "-B", "127.0.0.1"),
        balancer(tmp_path, config_text(port)) as process,
    ):
        wait_until(lambda: _is_listening(port))
        command = ("iperf3", "-c", "127.0.0.1", "-p", process.port, "-n", amount, "-J")
        figures: dict[str, Any] = json.loads(_run(*command, *direction))
        assert process.stop() == 0
    assert "error" not in figures
    assert figures["end"]["sum_sent"]["bytes"] >= amount
    # When it has sent enough it ends, so that what is in buffers then is not received: some
    # 20 MiB for each of four streams.
    assert figures["end"]["sum_received"]["bytes"] >= amount / 4


def _is_listening(port: int) -> bool:
    listening = _run("ss", "-Htln", "sport", "=", f":{port}")
    return bool(listening.strip())
