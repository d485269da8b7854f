from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send
from support.admin import Desk, open_desk
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.admin.shield import Shield, _asked

App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError


async def broken_later(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise ZeroDivisionError


async def calm(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Cache-Control": "no-cache"}
    await PlainTextResponse("calm", headers=headers)(scope, receive, send)


async def shielded(world: World, app: App) -> Desk:
    desk = await open_desk(world)
    desk.app = Shield(app, desk.app.guard, desk.app.log)
    return desk


async def test_every_answer_has_the_headers(autojump_clock: MockClock, world: World) -> None:
    desk = await shielded(world, calm)
    answer = await desk.get("/anything")
    assert answer.text == "calm"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_what_is_refused_has_them_too(autojump_clock: MockClock, world: World) -> None:
    desk = await shielded(world, calm)
    answer = await desk.get("/", host="evil.example")
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "foreign-host"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"


def test_of_a_header_that_comes_twice_the_first_counts() -> None:
    headers = [(b"host", b"localhost"), (b"x", b"1"), (b"host", b"evil.example")]
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    assert _asked(scope).headers == {"host": "localhost", "x": "1"}


async def test_a_bug_is_an_answer_and_a_log_line(autojump_clock: MockClock, world: World) -> None:
    desk = await shielded(world, broken)
    answer = await desk.get("/")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": {"code": "internal", "message": "This is a bug; the log says more."}
    }
    (line,) = world.lines("The admin server has a bug")
    assert "ZeroDivisionError" in line


async def test_a_bug_in_the_middle_of_an_answer_is_logged(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await shielded(world, broken_later)
    with pytest.raises(AssertionError):  # httpx's own: the answer never ends
        await desk.get("/")
    assert world.lines("The admin server has a bug")


async def test_there_are_no_web_sockets(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    sent: list[Message] = []

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        sent.append(message)

    await desk.app({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close"}]


async def test_an_unknown_client_changes_nothing(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)

    async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
        await desk.app({**scope, "client": None}, receive, send)

    transport = httpx.ASGITransport(app=nobody)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as asking:
        answer = await asking.post("/api/reload", json={})
    assert answer.json()["error"]["code"] == "not-allowed"
