"""Real clients of the admin server, among them those that behave badly."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import NoReturn

import attrs
import httpx
import pytest
import trio
import trio.lowlevel
from starlette.types import Receive, Scope, Send
from support.admin import Site, open_site
from support.eventually import eventually
from support.world import BACKEND, OPTIONS, World, make_config
from trio.testing import MockClock

from trio_balancer.control.admin import events, reception, stream
from trio_balancer.control.admin.reception import (
    GRACE,
    IDLE_TIMEOUT,
    MOST_CONNECTIONS,
    PAUSE,
    Reception,
)
from trio_balancer.control.admin.stream import PatientStream

#: Enough for a status that fills the buffers of a socket.
MANY = make_config(
    backends=[f"10.0.{row}.{number}:80" for row in (1, 2) for number in range(1, 200)]
)
FOREIGN_CHANGE = (
    b"POST /api/drain HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)
EVENTS = b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def short_idle_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "IDLE_TIMEOUT", 0.2)


async def connect(site: Site) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", site.port)


async def healthz(site: Site) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{site.url}/healthz")).status_code


async def receive_all(client: trio.SocketStream) -> bytes:
    received = bytearray()
    with suppress(trio.BrokenResourceError):
        while data := await client.receive_some():
            received += data
    return bytes(received)


async def test_several_requests_on_one_connection() -> None:
    async with open_site() as site, httpx.AsyncClient(base_url=site.url) as client:
        for _ in range(3):
            assert (await client.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /api/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /api/status HTTP/1.1\r\nHost: localhost:80@evil.example\r\n\r\n",
        b"GET http://localhost/api/status HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        FOREIGN_CHANGE,
    ],
)
async def test_foreign_requests_are_refused(request_: bytes) -> None:
    async with open_site() as site, await connect(site) as client:
        await client.send_all(request_)
        answer = await client.receive_some()
        assert answer.startswith(b"HTTP/1.1 403")
        assert site.operations.balancer.ready


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_what_is_no_request_is_refused(request_: bytes) -> None:
    async with open_site() as site, await connect(site) as client:
        with suppress(trio.BrokenResourceError):
            await client.send_all(request_)
        answer = await receive_all(client)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
        assert await healthz(site) == 200


async def test_ten_megabytes_without_a_line_end_disturb_nobody() -> None:
    async with open_site() as site, await connect(site) as client:
        with pytest.raises(trio.BrokenResourceError):
            await client.send_all(b"x" * 10_000_000)
        assert await healthz(site) == 200


async def test_silence_ends(short_idle_timeout: None) -> None:
    async with open_site() as site, await connect(site) as client:
        with trio.fail_after(5):
            assert await receive_all(client) == b""


async def test_silent_clients_are_bounded(short_idle_timeout: None) -> None:
    async with open_site() as site:
        clients = [await connect(site) for _ in range(MOST_CONNECTIONS + 5)]
        with trio.fail_after(5):
            assert await healthz(site) == 200
        for client in clients:
            await client.aclose()


async def test_silent_clients_keep_no_probe_out() -> None:
    async with open_site() as site:
        clients = [await connect(site) for _ in range(MOST_CONNECTIONS)]
        # A probe of an orchestrator waits for a second.
        with trio.fail_after(2 * GRACE):
            assert await healthz(site) == 200
        for client in clients:
            await client.aclose()


async def test_who_has_gone_takes_no_place() -> None:
    async with open_site() as site:
        for _ in range(2 * MOST_CONNECTIONS):
            async with await connect(site) as client:
                # The connection could be used for another request, but is closed.
                await client.send_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                with trio.fail_after(IDLE_TIMEOUT / 2):
                    assert (await client.receive_some()).startswith(b"HTTP/1.1 200")


async def test_a_crowd_waits_and_everybody_is_served() -> None:
    async with open_site() as site:
        answers: list[int] = []

        async def ask() -> None:
            answers.append(await healthz(site))

        async with trio.open_nursery() as nursery:
            for _ in range(3 * MOST_CONNECTIONS):
                nursery.start_soon(ask)
        assert answers == [200] * 3 * MOST_CONNECTIONS


@pytest.fixture
def one_subscriber(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_SUBSCRIBERS", 1)


@pytest.fixture
def many_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BUSY", 0.005)


async def may_listen(site: Site) -> bool:
    async with await connect(site) as client:
        await client.send_all(EVENTS)
        return (await client.receive_some()).startswith(b"HTTP/1.1 200")


async def wait_until_may_listen(site: Site) -> None:
    with trio.fail_after(10):
        while not await may_listen(site):  # noqa: ASYNC110  # the server sets no event for us
            await trio.sleep(0.01)


async def connect_slowly(site: Site) -> trio.SocketStream:
    """Connect with next to no room for what comes."""
    sock = trio.socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    await sock.connect(("127.0.0.1", site.port))
    return trio.SocketStream(sock)


async def test_who_listens_and_leaves_is_forgotten(one_subscriber: None) -> None:
    async with open_site() as site:
        async with await connect(site) as client:
            await client.send_all(EVENTS)
            assert (await client.receive_some()).startswith(b"HTTP/1.1 200")
            assert not await may_listen(site)
        await wait_until_may_listen(site)


async def test_who_listens_and_does_not_read_is_cut(
    one_subscriber: None, many_events: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PATIENCE", 0.3)
    async with open_site(MANY) as site, await connect_slowly(site) as client:
        await client.send_all(EVENTS)
        await client.receive_some(100)
        await wait_until_may_listen(site)


@attrs.define
class Sends:
    """Since when somebody sends something that is not taken, by trio's clock."""

    since: float | None = None

    def stuck(self) -> bool:
        return self.since is not None and trio.current_time() - self.since > 0.3


@pytest.fixture
def sends(monkeypatch: pytest.MonkeyPatch) -> Sends:
    watched = Sends()
    send_all = PatientStream.send_all

    async def send(self: PatientStream, data: bytes) -> None:
        watched.since = trio.current_time()
        await send_all(self, data)
        watched.since = None

    monkeypatch.setattr(PatientStream, "send_all", send)
    return watched


async def test_the_end_waits_for_no_slow_reader(many_events: None, sends: Sends) -> None:
    async with open_site(MANY) as site:
        client = await connect_slowly(site)
        await client.send_all(EVENTS)
        await eventually(sends.stuck)
        stopped = trio.current_time()
    assert trio.current_time() - stopped < 1
    await client.aclose()


async def test_a_bug_of_hypercorn_ends_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> NoReturn:
        raise ZeroDivisionError

    async with open_site() as site:
        with monkeypatch.context() as patched:
            patched.setattr(reception, "Http1Server", broken)
            async with await connect(site) as client:
                assert await receive_all(client) == b""
        assert await healthz(site) == 200
        (line,) = site.world.lines("The admin server has a bug")
        assert "ZeroDivisionError" in line


async def calm(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise NotImplementedError


async def test_accepting_is_tried_again(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    balancer = await world.serve(make_config())
    listener = await world.network.listen(BACKEND, backlog=1, options=OPTIONS)
    await world.network.connect(BACKEND, options=OPTIONS)
    failures: list[Exception] = [trio.ClosedResourceError(), BlockingIOError(), OSError("moody")]

    def fail(_self: object) -> NoReturn:
        raise failures.pop()

    monkeypatch.setattr(type(listener), "accept_nowait", fail)
    await Reception(calm, balancer.log).accept_forever(listener, world.nursery)
    assert trio.current_time() == 2 * PAUSE
    (line,) = world.lines("The admin server cannot accept")
    assert "moody" in line


async def test_only_plain_sockets_are_served(autojump_clock: MockClock, world: World) -> None:
    balancer = await world.serve(make_config())
    listener = await world.network.listen(BACKEND, backlog=1, options=OPTIONS)
    await world.network.connect(BACKEND, options=OPTIONS)
    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:
            await Reception(calm, balancer.log).accept_forever(listener, nursery)
    assert caught.group_contains(TypeError, match="plain sockets")
