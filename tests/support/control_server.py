"""A runtime socket without a balancer: it answers as a test tells it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

Request = dict[str, object]
Answer = Callable[[str], Iterable[bytes]]
"""From the line that a client sent to the pieces of the reply; the connection is closed then."""


@attrs.define(eq=False)
class ControlServer:
    """Where it listens, and what it was asked."""

    path: Path
    lines: list[str] = attrs.Factory(list)

    @property
    def requests(self) -> list[Request]:
        """The lines that were requests in JSON."""
        return [json.loads(line) for line in self.lines]


@contextmanager
def control_server(path: Path, answer: Answer) -> Iterator[ControlServer]:
    """Serve clients one after the other."""
    server = ControlServer(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=_serve, args=(listening, server, answer))
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            path.unlink()


def _serve(listening: socket.socket, server: ControlServer, answer: Answer) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            with client, client.makefile("rb") as stream, suppress(BrokenPipeError):
                line = stream.readline().decode("utf-8", "surrogateescape").removesuffix("\n")
                server.lines.append(line)
                for piece in answer(line):
                    client.sendall(piece)


def ok(result: object) -> list[bytes]:
    """Answer that it was done."""
    return [line({"ok": True, "result": result})]


def refused(code: str, message: str) -> list[bytes]:
    """Answer that it was refused."""
    return [line({"ok": False, "error": {"code": code, "message": message}})]


def line(value: object) -> bytes:
    """Write one line of JSON."""
    return json.dumps(value).encode() + b"\n"


def status_of(backends: int = 3, **changes: object) -> Request:
    """Make up the status of a balancer with one listener, and one pool of so many backends."""
    return {
        "version": "0.1.0",
        "pid": 4711,
        "uptime": 93784.5,
        "ready": True,
        "draining": False,
        "config_file": "/etc/balancer.toml",
        "reloads": {"count": 1, "failed": 0, "last_error": None, "last_at": 1.0},
        "connections": {
            "active": 120,
            "limit": 4000,
            "accepted": 12345,
            "refused": 12,
            "accept_errors": 0,
            "bugs": 0,
            "filter_errors": 0,
            "bytes_up": 1_200_000,
            "bytes_down": 3_400_000_000,
            "rate": 35,
            "rate_max": 120,
        },
        "listeners": [
            {
                "name": "web",
                "addresses": ["127.0.0.1:8080", "[::1]:8080"],
                "pool": "app",
                "state": "open",
                "active": 120,
                "limit": 1000,
                "accepted": 12345,
                "refused": 12,
                "rate": 35,
                "bytes_up": 1_200_000,
                "bytes_down": 3_400_000_000,
            }
        ],
        "pools": [pool_of([backend_of(number) for number in range(1, backends + 1)])],
        "leaving": [],
        "log": {"written": 12345, "dropped": 0},
        **changes,
    }


def pool_of(backends: list[Request]) -> Request:
    """Make up a pool."""
    return {
        "name": "app",
        "policy": "round-robin",
        "active": 120,
        "queued": 0,
        "held": 0,
        "connect_p50": 0.0004,
        "connect_p99": 0.012,
        "backends": backends,
    }


def backend_of(number: int, **changes: object) -> Request:
    """Make up a backend that is up."""
    return {
        "name": f"s{number}",
        "address": f"10.0.0.{number}:9000",
        "state": "up",
        "admin": "ready",
        "reason": "",
        "in_state_for": 93784.5,
        "weight": 10,
        "configured_weight": 10,
        "max_connections": 200,
        "backup": False,
        "active": number,
        "total": 1000 - number,
        "rate": 0,
        "dials": 1000,
        "dial_failures": 0,
        "resets": 0,
        "bytes_up": 1000,
        "bytes_down": 2_000_000,
        "connect_p50": 0.0004,
        "connect_p99": 0.012,
        "check": {"type": "tcp", "passed": True, "detail": "connected", "duration": 0.001},
        "ejected": False,
        **changes,
    }
