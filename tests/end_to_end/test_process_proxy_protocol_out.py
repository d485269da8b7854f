"""PROXY headers that a running balancer sends to HAProxy and nginx, its checks included."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
from support.process import Process, balancer, config_text, need, wait_until
from support.proxy_programs import haproxy, listening_at, nginx
from support.servers import free_port
from support.visits import visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSIONS = ("v1", "v2")
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
# Enough to be sure that they are checked again and again, and not once.
CHECKS = 5
CHECKED = 'type = "http"\ninterval = "50ms"\nfall = 1'
CHECKED_TCP = 'interval = "50ms"\nfall = 1'


@attrs.define(eq=False)
class HaproxyLog:
    """What an HAProxy logs, over UDP: when started quietly it has no other output."""

    sock: socket.socket
    lines: list[str] = attrs.field(factory=list)

    def read(self) -> list[str]:
        """Return all lines up to now."""
        while True:
            try:
                self.lines.append(self.sock.recv(4096).decode().rstrip())
            except BlockingIOError:
                return self.lines

    def has(self, count: int) -> bool:
        """Say whether there are so many lines."""
        return len(self.read()) >= count


@attrs.frozen
class Receiver:
    """An HAProxy that takes connections with a header only."""

    port: int
    log: HaproxyLog


@contextmanager
def _haproxy_receiver(directory: Path, mode: str, answer: str) -> Iterator[Receiver]:
    need("haproxy")
    with listening_at() as listening, socket.socket(type=socket.SOCK_DGRAM) as told:
        told.bind(("127.0.0.1", 0))
        told.setblocking(False)  # noqa: FBT003 - the socket's own interface
        sections = f"""
frontend receiver
    mode {mode}
    log 127.0.0.1:{told.getsockname()[1]} format raw local0
    option {mode}log
    bind fd@{listening.fileno()} accept-proxy
    {answer}
"""
        with haproxy(directory, sections, listening):
            yield Receiver(listening.getsockname()[1], HaproxyLog(told))


def _config(port: int, version: str, health: str) -> str:
    return config_text(port, pool=f'send_proxy = "{version}"', health=health, log='format = "json"')


def _is_up_for_ever(process: Process) -> bool:
    return not any(line.get("message") == "Backend is DOWN" for line in process.log())


@pytest.mark.parametrize("version", VERSIONS)
def test_haproxy_behind_us_knows_the_client(tmp_path: Path, version: str) -> None:
    tell = 'http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port]"'
    with (
        _haproxy_receiver(tmp_path, "http", tell) as receiver,
        balancer(tmp_path, _config(receiver.port, version, CHECKED)) as process,
    ):
        visitor = visit(process.port, source="127.9.9.9", data=REQUEST)
        wait_until(lambda: receiver.log.has(CHECKS))
        assert process.stop() == 0
        lines = receiver.log.read()
    assert visitor.answer is not None
    assert visitor.answer.endswith(f"\r\n\r\n{visitor.client}".encode())
    assert [line for line in lines if line.startswith(f"{visitor.client} ")]
    # Ours, each with its own end: nothing about headers, and nobody left before the answer.
    assert [line for line in lines if " receiver/<NOSRV> " not in line or " 200 " not in line] == []
    assert _is_up_for_ever(process)
    [record] = process.records()
    assert (record["client"], record["ending"]) == (visitor.client, "--")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_check_that_only_connects_is_no_error_for_haproxy(tmp_path: Path, version: str) -> None:
    with (
        _haproxy_receiver(tmp_path, "tcp", "tcp-request content reject") as receiver,
        balancer(tmp_path, _config(receiver.port, version, CHECKED_TCP)) as process,
    ):
        wait_until(lambda: receiver.log.has(CHECKS))
        assert process.stop() == 0
        lines = list(receiver.log.read())
        # What it says of a connection without a header is no such line.
        assert not visit(receiver.port, data=REQUEST).answer
        wait_until(lambda: any("PROXY protocol" in line for line in receiver.log.read()))
    assert [line for line in lines if " receiver/<NOSRV> " not in line] == []
    assert _is_up_for_ever(process)


def _nginx_receiver(port: int, log: Path) -> str:
    return f"""
        log_format told '$proxy_protocol_addr:$proxy_protocol_port "$request" $status';
        server {{
            listen 127.0.0.1:{port} proxy_protocol;
            access_log {log} told;
            location / {{ return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }}
        }}
    """


@pytest.mark.parametrize("version", VERSIONS)
def test_nginx_behind_us_knows_the_client(tmp_path: Path, version: str) -> None:
    need("nginx")
    port, log = free_port(), tmp_path / "access.log"
    with (
        nginx(tmp_path, http=_nginx_receiver(port, log)),
        balancer(tmp_path, _config(port, version, CHECKED)) as process,
    ):
        visitor = visit(process.port, source="127.9.9.9", data=REQUEST)
        wait_until(lambda: len(log.read_text().splitlines()) > CHECKS)
        assert process.stop() == 0
    assert visitor.answer is not None
    assert visitor.answer.endswith(f"\r\n\r\n{visitor.client}".encode())
    lines = log.read_text().splitlines()
    assert lines.count(f'{visitor.client} "GET / HTTP/1.0" 200') == 1
    checks = {line.partition(" ")[0] for line in lines if not line.startswith(visitor.client)}
    if version == "v2":
        assert checks == {"-:-"}  # LOCAL announces nobody
    else:
        assert {name.rpartition(":")[0] for name in checks} == {"127.0.0.1"}
    assert _is_up_for_ever(process)
    assert (tmp_path / "nginx.err").read_text() == ""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_check_that_only_connects_is_no_error_for_nginx(tmp_path: Path, version: str) -> None:
    need("nginx")
    port, errors = free_port(), tmp_path / "nginx.err"
    server = f"error_log stderr info; {_nginx_receiver(port, tmp_path / 'access.log')}"
    with (
        nginx(tmp_path, http=server),
        balancer(tmp_path, _config(port, version, CHECKED_TCP)) as process,
    ):
        wait_until(lambda: errors.read_text().count("while waiting for request") > CHECKS)
        assert process.stop() == 0
        lines = errors.read_text().splitlines()
    # It goes on to wait for a request, so it has understood the header.
    assert [line for line in lines if "[info]" not in line] == []
    assert [line for line in lines if "PROXY protocol" in line] == []
    assert _is_up_for_ever(process)
