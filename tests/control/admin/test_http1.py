"""Clients that would rather speak HTTP/2."""

from __future__ import annotations

import pytest
import trio
from support.admin import open_site

HOST = b"Host: localhost\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
# RFC 9113, section 3.4: how a client begins that knows that we speak it.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


async def ask(port: int, request: bytes) -> bytes:
    async with await trio.open_tcp_stream("127.0.0.1", port) as client:
        await client.send_all(request)
        return bytes(await client.receive_some())


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", b"HTTP/1.1 200"),
        (b"GET /healthz HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n", b"HTTP/1.1 200"),
        (PREFACE, b"HTTP/1.1 4"),
    ],
)
async def test_all_are_answered_in_http_1_1(request_: bytes, answer: bytes) -> None:
    async with open_site() as site:
        assert (await ask(site.port, request_)).startswith(answer)
        assert site.world.lines("The admin server has a bug") == []
