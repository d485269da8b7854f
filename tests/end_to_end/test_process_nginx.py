from __future__ import annotations

import re
import signal
import subprocess
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.eventually import eventually
from support.nginx import Nginx, nginx
from support.plain import dial, receive_to_end, send
from support.process import Process, balancer, need
from support.scale import scaled

from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trio.socket import SocketType

CONFIG = """
[log]
format = "json"
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[pools.app.health]
type = "http"
interval = "200ms"
timeout = "2s"
rise = 2
fall = 2
"""
WEIGHTS = {"red": 1, "green": 1, "blue": 2}
WRK_CONNECTIONS = 16
CLIENTS = 8


@attrs.define(eq=False)
class Load:
    """Clients that open a connection for each request, and remember how each one ended."""

    port: int
    answers: Counter[str] = attrs.Factory(Counter)
    #: The addresses of the clients that got no whole answer.
    failed: set[str] = attrs.Factory(set)

    async def ask_for_ever(self) -> None:
        """Ask, one request after the other."""
        while True:
            await self.ask()

    async def ask(self) -> None:
        """Ask once."""
        client = await dial(inet_address("127.0.0.1", self.port))
        with client:
            name = await _answer(client)
            if name is None:
                self.failed.add("{}:{}".format(*client.getsockname()))
            else:
                self.answers[name] += 1

    async def more(self, count: int) -> None:
        """Wait until so many more were answered."""
        end = self.answers.total() + count
        await eventually(lambda: self.answers.total() >= end, within=60)


async def _answer(client: SocketType) -> str | None:
    try:
        await send(client, b"GET / HTTP/1.0\r\n\r\n")
    except OSError:
        return None
    end = await receive_to_end(client)
    head, _, body = end.data.decode().partition("\r\n\r\n")
    whole = not end.errno and head.startswith("HTTP/1.1 200") and body.endswith("\n")
    return body.strip() if whole else None


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, Nginx]]:
    need("nginx", "wrk")
    with ExitStack() as stack:
        yield {name: stack.enter_context(nginx(tmp_path, name)) for name in WEIGHTS}


def _config(servers: dict[str, Nginx]) -> str:
    backends = "".join(
        f'[[pools.app.backends]]\nname = "{name}"\naddress = "127.0.0.1:{server.port}"\n'
        f"weight = {WEIGHTS[name]}\n"
        for name, server in servers.items()
    )
    return CONFIG + backends


@contextmanager
def _wrk(port: int) -> Iterator[None]:
    """Put load on it that keeps its connections, while the block runs; and judge its figures."""
    command = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", "-d60s", f"http://127.0.0.1:{port}/"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as wrk:
        try:
            yield
        finally:
            wrk.send_signal(signal.SIGINT)
            figures, _errors = wrk.communicate(timeout=10)
    _judge_wrk(figures)


@pytest.mark.heavy
async def test_killing_one_loses_no_request_but_those_on_it(
    tmp_path: Path, servers: dict[str, Nginx]
) -> None:
    with balancer(tmp_path, _config(servers)) as process:
        load = Load(process.port)
        with _wrk(process.port):
            async with trio.open_nursery() as nursery:
                for _ in range(CLIENTS):
                    nursery.start_soon(load.ask_for_ever)
                await load.more(scaled(3000))
                servers["red"].kill()
                await load.more(scaled(6000))
                await _back(process, servers["red"])
                nursery.cancel_scope.cancel()
        after = Load(process.port)
        for _ in range(300):
            await after.ask()
        assert process.stop() == 0
    _judge_records(process, load)
    assert after.failed == set()
    share = 300 / sum(WEIGHTS.values())
    for name, weight in WEIGHTS.items():
        assert after.answers[name] == pytest.approx(weight * share, rel=0.1)


async def _back(process: Process, server: Nginx) -> None:
    """Start it once it is known to be down; within 5 s it is to be served again."""
    await eventually(lambda: _told(process, "Backend is DOWN", server))
    await trio.to_thread.run_sync(server.start)
    await eventually(lambda: _told(process, "Backend is UP", server), within=5)


def _told(process: Process, message: str, server: Nginx) -> bool:
    events = [line for line in process.log() if line["kind"] == "event"]
    return any(line["message"] == message and line["backend"] == server.name for line in events)


def _judge_wrk(figures: str) -> None:
    """At most each of its connections was once on the instance that was killed."""
    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", figures
    )
    if errors is not None:
        connect, read, write, timeout = map(int, errors.groups())
        assert (connect, timeout) == (0, 0)
        assert read + write <= WRK_CONNECTIONS
    assert "Non-2xx" not in figures


def _judge_records(process: Process, load: Load) -> None:
    records = process.records()
    on_red = {record["client"] for record in records if record["backend"] == "red"}
    assert load.failed <= on_red
    # As many as could be on it at one time: the others were dialled again elsewhere.
    assert len(load.failed) <= CLIENTS
    broken = [record for record in records if str(record["ending"])[0] not in "-C"]
    assert {record["backend"] for record in broken} <= {"red"}
    assert [record for record in records if record["redispatched"]]


async def test_nginx_s_half_close_is_kept(tmp_path: Path, servers: dict[str, Nginx]) -> None:
    data = bytes(range(256)) * 8192
    for server in servers.values():
        (server.directory / "files" / "data").write_bytes(data)
    with balancer(tmp_path, _config(servers)) as process:
        client = await dial(inet_address("127.0.0.1", process.port))
        with client:
            await send(client, b"GET /files/data HTTP/1.0\r\n\r\n")
            client.shutdown(trio.socket.SHUT_WR)
            end = await receive_to_end(client)
        assert end.errno == 0
        assert end.data.partition(b"\r\n\r\n")[2] == data
        assert process.stop() == 0
    assert [record["ending"] for record in process.records()] == ["--"]
    assert [record["closed_first"] for record in process.records()] == ["client"]
