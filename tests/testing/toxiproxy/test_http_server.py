from __future__ import annotations

from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from trio_balancer.testing.toxiproxy import http_server
from trio_balancer.testing.toxiproxy.http_server import Answer, Request, converse

GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\nUser-Agent: me\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"


async def told(sent: bytes, *, piece: int = 1000, answer: Answer | None = None) -> bytes:
    """Return what is answered to what a client sends, in pieces, before it finishes."""
    ours, theirs = memory_stream_pair()
    reply = Answer(200, b"fine") if answer is None else answer

    async def respond(request: Request) -> Answer:
        requests.append(request)
        return reply

    async def serve() -> None:
        await converse(theirs, respond)
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        for start in range(0, len(sent), piece):
            await ours.send_all(sent[start : start + piece])
        await ours.send_eof()
        return b"".join([bytes(part) async for part in ours])


requests: list[Request] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    requests.clear()


@pytest.mark.parametrize("piece", [1, 1000])
async def test_requests_one_after_another(piece: int) -> None:
    received = await told(GET + POST, piece=piece)
    assert received.count(b"HTTP/1.1 200") == received.count(b"\r\n\r\nfine") == 2
    assert requests == [Request("GET", "/a?b", "me", b""), Request("POST", "/", "", b"abc")]


async def test_no_content_has_no_type() -> None:
    received = await told(GET, answer=Answer(204))
    assert b"204" in received
    assert b"content-type" not in received.lower()


async def test_whoever_wants_to_close_is_let_go() -> None:
    received = await told(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert b"200" in received


async def test_a_large_body_may_be_announced() -> None:
    received = await told(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), piece=1)
    assert received.startswith(b"HTTP/1.1 100")
    assert requests[0].body == b"abc"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"what?\r\n\r\n", b"400"),
        (GET + b"\x00\r\n\r\n", b"400"),
        (POST[:-1], b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 200_000, b"431"),
    ],
)
async def test_what_makes_no_sense_is_answered_and_closed(sent: bytes, status: bytes) -> None:
    received = await told(sent, piece=len(sent))
    assert b"HTTP/1.1 " + status in received


async def test_a_body_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "MOST_BODY", 2)
    assert b"HTTP/1.1 413" in await told(POST)
    assert requests == []


async def test_a_client_that_is_gone_ends_it() -> None:
    ours, theirs = memory_stream_pair()

    async def respond(_request: Request) -> Answer:
        await ours.aclose()
        return Answer(200, b"fine")

    await ours.send_all(GET)
    await converse(theirs, respond)


async def test_nothing_is_said_to_who_breaks_off_an_answered_request() -> None:
    assert await told(b"") == b""


async def test_whoever_asks_nothing_is_closed(autojump_clock: MockClock) -> None:
    _ours, theirs = memory_stream_pair()

    async def respond(_request: Request) -> Answer:
        raise AssertionError("nothing was asked")

    await converse(theirs, respond)
    assert trio.current_time() >= http_server.IDLE_TIMEOUT


async def test_a_head_has_no_body() -> None:
    received = await told(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.count(b"fine") == 1


async def test_whoever_makes_no_sense_after_a_head_is_told_so_whole() -> None:
    received = await told(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nwhat?\r\n\r\n")
    assert received.count(b"HTTP/1.1 200") == received.count(b"HTTP/1.1 400") == 1
    assert b"illegal request line" in received


PARTS = [
    GET,
    POST,
    b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    b"Expect: 100-continue\r\n",
    b"\r\n",
]


@given(parts=st.lists(st.sampled_from(PARTS) | st.binary(max_size=9), max_size=6))
def test_whatever_comes_there_is_an_end(parts: list[bytes]) -> None:
    sent = b"".join(parts)
    requests.clear()
    received = trio.run(partial(told, sent, answer=Answer(404, b"none")))
    assert received.count(b"X-Toxiproxy-Request-Id") >= len(requests)


async def test_whoever_makes_no_sense_and_is_gone_ends_it() -> None:
    ours, theirs = memory_stream_pair()
    await ours.send_all(b"what?\r\n\r\n")
    await ours.aclose()

    async def respond(_request: Request) -> Answer:
        raise AssertionError("nothing was asked")

    await converse(theirs, respond)


async def test_whoever_does_not_read_is_closed(autojump_clock: MockClock) -> None:
    ours, theirs = lockstep_stream_pair()

    async def respond(_request: Request) -> Answer:
        return Answer(200, b"fine")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ours.send_all, GET)
        await converse(theirs, respond)
    assert trio.current_time() >= http_server.IDLE_TIMEOUT
