"""The admin server of a real process, as orchestrators, monitoring and operators use it."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from support.process import Process, balancer, wait_until
from support.servers import ask, connect, echo_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONFIG = """
[balancer]
drain_timeout = "20s"
[admin]
bind = "{admin}"
[log]
format = "json"
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[pools.app]
required = true
health.type = "none"
backends = ["127.0.0.1:{port}"]
"""
_JSON = {"Content-Type": "application/json"}


def config(port: int, admin: str = "127.0.0.1:0") -> str:
    return _CONFIG.format(port=port, admin=admin)


@contextmanager
def administered(directory: Path) -> Iterator[tuple[Process, int]]:
    """Run a balancer with an admin server; yields it and the server's port."""
    with echo_server() as port, balancer(directory, config(port)) as process:
        wait_until(lambda: bool(admin_lines(process)))
        (line,) = admin_lines(process)
        yield process, int(str(line["address"]).rpartition(":")[2])


def admin_lines(process: Process) -> list[dict[str, object]]:
    return [line for line in process.log() if line.get("message") == "Admin server listening"]


def fetch(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    body = "{}" if method == "POST" else None
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def fetch_json(port: int, path: str) -> Any:  # noqa: ANN401 - whatever it says
    return json.loads(fetch(port, path)[1])


def test_tells_how_it_is(tmp_path: Path) -> None:
    with administered(tmp_path) as (process, port):
        assert ask(process.port, b"ping") == b"ping"
        assert fetch(port, "/healthz")[0] == 200
        assert fetch(port, "/readyz")[0] == 200
        status = fetch_json(port, "/api/status")
        assert status["pid"] == process.pid
        assert status["connections"]["accepted"] == 1
        assert b"\nhaproxy_process_connections_total 1.0\n" in fetch(port, "/metrics")[1]
        assert fetch(port, "/")[0] == 200


def test_is_not_ready_while_it_drains(tmp_path: Path) -> None:
    with administered(tmp_path) as (process, port):
        with connect(process.port) as client:
            client.sendall(b"ping")
            assert client.recv(4) == b"ping"
            process.signal(signal.SIGTERM)
            wait_until(lambda: fetch(port, "/readyz")[0] == 503)
            assert fetch(port, "/healthz")[0] == 200
            assert fetch_json(port, "/api/status")["draining"]
            client.sendall(b"pong")
            assert client.recv(4) == b"pong"
        assert process.wait() == 0


def test_is_drained_by_a_request(tmp_path: Path) -> None:
    with administered(tmp_path) as (process, port):
        assert fetch(port, "/api/drain", "POST", **_JSON)[0] == 200
        assert process.wait() == 0


def test_is_reloaded_by_a_request(tmp_path: Path) -> None:
    with administered(tmp_path) as (_process, port):
        file = tmp_path / "balancer.toml"
        file.write_text(file.read_text().replace("required = true", "policy = 'first'"))
        assert fetch(port, "/api/reload", "POST", **_JSON)[0] == 200
        assert fetch_json(port, "/api/status")["pools"][0]["policy"] == "first"
        file.write_text("nonsense")
        status, body = fetch(port, "/api/reload", "POST", **_JSON)
        assert status == 409
        assert b"this is no TOML" in body
        assert fetch_json(port, "/api/status")["reloads"]["failed"] == 1


def test_a_reader_that_stands_still_does_not_delay_the_end(tmp_path: Path) -> None:
    with administered(tmp_path) as (process, port), socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        reader.connect(("127.0.0.1", port))
        reader.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert reader.recv(100).startswith(b"HTTP/1.1 200")
        before = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - before < 5


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with balancer(tmp_path, config(9, address), ready=False) as process:
            assert process.wait() == 1
            told = process.stderr()
    assert told == f"trio-balancer: [admin] cannot bind {address}: Address already in use\n"


def test_a_changed_address_needs_a_restart(tmp_path: Path) -> None:
    with administered(tmp_path) as (_process, port):
        file = tmp_path / "balancer.toml"
        file.write_text(file.read_text().replace("127.0.0.1:0", "127.0.0.2:0", 1))
        status, body = fetch(port, "/api/reload", "POST", **_JSON)
        assert status == 409
        assert json.loads(body)["error"]["code"] == "needs-restart"
        assert b"admin.bind" in body
