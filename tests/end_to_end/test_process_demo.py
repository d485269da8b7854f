from __future__ import annotations

import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from support.process import ROOT, balancer, need
from support.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("red", "green", "blue")


def _curl(port: int) -> str:
    command = ["curl", "-sS", f"http://127.0.0.1:{port}/"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _options(ports: list[int]) -> list[str]:
    """Let the example run on ports that are free here."""
    backends = [
        f'{{ name = "{name}", address = "127.0.0.1:{port}" }}'
        for name, port in zip(NAMES, ports, strict=True)
    ]
    return [
        *("--demo", "--set", "listeners.web.bind=127.0.0.1:0"),
        *("--set", f"pools.app.backends=[{', '.join(backends)}]"),
    ]


def test_the_example_rotates_over_its_demo_backends(tmp_path: Path) -> None:
    need("curl")
    text = (ROOT / "balancer.toml").read_text()
    with balancer(tmp_path, text, *_options([free_port() for _ in NAMES])) as process:
        answers = [_curl(process.port) for _ in range(6)]
        assert sorted(answers[:3]) == sorted(f"Hello from {name}\n" for name in NAMES)
        assert answers[3:] == answers[:3]
        asked = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - asked < 2
    assert process.stderr().splitlines() == [
        f"Stand-ins answer as red, green, blue. Try, a few times: curl http://127.0.0.1:{process.port}/"
    ]


def test_the_example_is_valid_as_it_is(tmp_path: Path) -> None:
    text = (ROOT / "balancer.toml").read_text()
    with balancer(tmp_path, text, "--check", ready=False) as process:
        assert process.wait() == 0
    assert "listener web -> pool app\n  127.0.0.1:8080\n" in process.stdout()


def test_an_address_of_a_demo_backend_is_taken(tmp_path: Path) -> None:
    text = (ROOT / "balancer.toml").read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = _options([free_port(), port, free_port()])
        with balancer(tmp_path, text, *options, ready=False) as process:
            assert process.wait() == 1
    assert process.stderr() == (
        "trio-balancer: the stand-in for backend green cannot bind "
        f"127.0.0.1:{port}: Address already in use\n"
    )


def test_ready_tells_json(tmp_path: Path) -> None:
    text = (ROOT / "balancer.toml").read_text()
    options = _options([free_port() for _ in NAMES])
    log = ("--log-format", "json", "--log-level", "debug")
    with balancer(tmp_path, text, *options, *log) as process:
        assert process.stop() == 0
    assert all(json.loads(line) for line in process.stdout().splitlines())
