"""Reload of a whole process by SIGHUP, under load and with mistakes."""

from __future__ import annotations

import hashlib
import re
import secrets
import signal
import socket
import subprocess
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import attrs
import pytest
from support.nginx import nginx
from support.process import Process, balancer, config_text, need, wait_until
from support.scale import scaled
from support.servers import ask, connect, echo_server, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from support.nginx import Nginx

FIRST = """
[log]
format = "json"
connections = false
[listeners.web]
bind = "127.0.0.1:{port}"
pool = "app"
[pools.app]
backends = ["127.0.0.1:{one}", "127.0.0.1:{two}"]
[pools.app.health]
interval = "200ms"
"""
# Another name for the listener, another pool, other backends, another limit, one more port.
SECOND = """
[balancer]
max_connections = 500
[log]
format = "json"
level = "info"
connections = false
[listeners.site]
bind = "127.0.0.1:{port}"
pool = "shop"
idle_timeout = "1m"
[listeners.site.access]
allow = ["127.0.0.0/8"]
[listeners.side]
bind = "127.0.0.1:{side}"
pool = "shop"
[pools.shop]
policy = "least-connections"
[[pools.shop.backends]]
address = "127.0.0.1:{two}"
weight = 3
[[pools.shop.backends]]
address = "127.0.0.1:{three}"
"""
BETWEEN_RELOADS = 0.1
BIG = 64 << 20


@attrs.define(eq=False)
class Flapping:
    """Writes one of two configurations and tells the balancer, ten times a second."""

    process: Process
    path: Path
    texts: tuple[str, str]
    over: threading.Event = attrs.Factory(threading.Event)
    reloads: int = 0

    def run(self) -> None:
        """Go on until `over` is set; the first configuration is the last one, too."""
        while not self.over.wait(BETWEEN_RELOADS):
            self.reloads += 1
            self._write(self.texts[self.reloads % 2])
        self._write(self.texts[0])

    def _write(self, text: str) -> None:
        # In one step: the balancer may read at any time.
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)
        self.process.signal(signal.SIGHUP)


@attrs.define(eq=False)
class Download:
    """Receives a large file, slowly until it is told to hurry."""

    port: int
    hurry: threading.Event = attrs.Factory(threading.Event)
    digest: str = ""
    size: int = 0

    def run(self) -> None:
        """Receive until the end."""
        hashed = hashlib.sha256()
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(b"GET /files/big HTTP/1.0\r\n\r\n")
            answer = client.makefile("rb")
            while answer.readline() != b"\r\n":
                pass
            # Some 400 s, if nobody hurries it.
            while data := answer.read(BIG >> 13):
                hashed.update(data)
                self.size += len(data)
                self.hurry.wait(0.05)
        self.digest = hashed.hexdigest()


@pytest.mark.heavy
@pytest.mark.timeout(900)
def test_reloads_ten_times_a_second_fail_no_request(tmp_path: Path) -> None:
    need("nginx", "ab")
    with ExitStack() as stack:
        # Names of the same length: ab takes the length of the first answer for that of all.
        instances = [stack.enter_context(nginx(tmp_path, name)) for name in ("one", "two", "six")]
        texts = _texts(instances)
        process = stack.enter_context(balancer(tmp_path, texts[0]))
        flapping = Flapping(process, tmp_path / "balancer.toml", texts)
        download = Download(process.port)
        content = secrets.token_bytes(BIG)
        for instance in instances:
            (instance.directory / "files" / "big").write_bytes(content)
        threads = [threading.Thread(target=each.run) for each in (download, flapping)]
        for thread in threads:
            thread.start()
        try:
            report = _ab(process.port, scaled(200_000))
            assert download.digest == "", "the download was to last longer"
        finally:
            flapping.over.set()
            download.hurry.set()
            for thread in threads:
                thread.join()
        assert _figure(report, "Complete requests") == scaled(200_000)
        assert _figure(report, "Failed requests") == 0, report
        assert download.size == BIG
        assert download.digest == hashlib.sha256(content).hexdigest()
        wait_until(lambda: _reloads(process) >= flapping.reloads // 2)
        assert not [line for line in process.log() if line["level"] in {"error", "warning"}]
        assert process.stop() == 0


def _texts(instances: list[Nginx]) -> tuple[str, str]:
    one, two, three = (instance.port for instance in instances)
    ports = {"port": free_port(), "side": free_port(), "one": one, "two": two, "three": three}
    return FIRST.format(**ports), SECOND.format(**ports)


def _ab(port: int, requests: int) -> str:
    command = ["ab", "-q", "-r", "-c", "10", "-n", str(requests), f"http://127.0.0.1:{port}/"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def _figure(report: str, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+)", report)
    assert found is not None, report
    return int(found[1])


def _reloads(process: Process) -> int:
    return sum(str(line.get("message")).startswith("Reloaded:") for line in process.log())


def test_a_file_with_mistakes_changes_nothing_and_the_log_says_why(tmp_path: Path) -> None:
    json_log = 'format = "json"'
    with echo_server() as backend:
        text = config_text(backend, log=json_log)
        with balancer(tmp_path, text) as process:
            before = connect(process.port)
            wrong = config_text(backend, log=json_log, pool='policy = "frist"\nqueue_limit = -1')
            (tmp_path / "balancer.toml").write_text(wrong)
            process.signal(signal.SIGHUP)
            wait_until(lambda: len(_refusals(process)) == 2)
            policy, limit = _refusals(process)
            assert "pools.app.policy" in policy
            assert "did you mean 'first'" in policy
            assert "pools.app.queue_limit" in limit
            assert ask(process.port) == b"hello"
            before.sendall(b"still here")
            assert before.recv(100) == b"still here"
            before.close()
            (tmp_path / "balancer.toml").write_text(text)
            process.signal(signal.SIGHUP)
            wait_until(lambda: _reloads(process) == 1)
            assert process.stop() == 0


def _refusals(process: Process) -> list[str]:
    return [
        str(line["reason"]) for line in process.log() if "Not reloaded" in str(line.get("message"))
    ]


def test_overrides_are_applied_again(tmp_path: Path) -> None:
    with echo_server() as backend:
        options = ["--set", "log.format=json", "--set", "listeners.web.max_connections=7"]
        with balancer(tmp_path, config_text(backend), *options) as process:
            text = config_text(backend, listener="max_connections = 0")
            (tmp_path / "balancer.toml").write_text(text)
            process.signal(signal.SIGHUP)
            wait_until(lambda: _reloads(process) == 1)
            assert process.stop() == 0


def test_a_rotated_log_is_opened_anew(tmp_path: Path) -> None:
    with echo_server() as backend:
        text = config_text(backend, log=f'file = "{tmp_path / "log"}"')
        with balancer(tmp_path, text) as process:
            (tmp_path / "log").rename(tmp_path / "log.1")
            process.signal(signal.SIGHUP)
            wait_until((tmp_path / "log").exists)
            assert ask(process.port) == b"hello"
            wait_until(lambda: "ending=--" in (tmp_path / "log").read_text())
            assert process.stop() == 0
    assert "ending=--" not in (tmp_path / "log.1").read_text()
