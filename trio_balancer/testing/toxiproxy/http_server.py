"""HTTP/1.1 over a trio stream: h11 parses, this reads and writes."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import h11
import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Bytes of a body that are read; whoever sends more is told so.
MOST_BODY = 1024 * 1024
#: Seconds in which a client must have sent its next request.
IDLE_TIMEOUT = 60.0
_CHUNK = 65536
_TOO_LARGE = 413


@attrs.frozen
class Request:
    """What was asked for; `path` is as it was sent, with its query."""

    method: str
    path: str
    user_agent: str
    body: bytes


@attrs.frozen
class Answer:
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=utf-8"


async def converse(stream: trio.abc.Stream, answer: Callable[[Request], Awaitable[Answer]]) -> None:
    """Answer one request after another, until the client has no more or makes no sense."""
    with suppress(trio.BrokenResourceError, trio.TooSlowError):  # it is gone, or does not read
        talk = _Talk(stream)
        try:
            while (request := await talk.next_request()) is not None:
                await talk.send(await answer(request))
        except h11.RemoteProtocolError as error:
            await talk.refuse(error)


class _Talk:
    """One connection."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.SERVER)
        self._asks_for_head = False

    async def next_request(self) -> Request | None:
        """Read a request whole; None when there is none any more."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        self._asks_for_head = False
        with trio.move_on_after(IDLE_TIMEOUT):
            return await self._read()
        return None

    async def _read(self) -> Request | None:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        self._asks_for_head = head.method == b"HEAD"
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > MOST_BODY:
                raise h11.RemoteProtocolError("the body is too large", _TOO_LARGE)
        headers = dict(head.headers)
        return Request(
            head.method.decode("ascii"),
            head.target.decode("ascii"),
            headers.get(b"user-agent", b"").decode("latin-1"),
            bytes(body),
        )

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(bytes(await self._stream.receive_some(_CHUNK)))
        return event

    async def send(self, answer: Answer) -> None:
        """Send an answer whole."""
        headers = [("X-Toxiproxy-Request-Id", uuid.uuid4().hex)]
        if answer.body:
            headers.append(("Content-Type", answer.content_type))
            headers.append(("Content-Length", str(len(answer.body))))
        await self._send(
            h11.Response(status_code=answer.status, headers=headers),
            h11.Data(data=b"" if self._asks_for_head else answer.body),
            h11.EndOfMessage(),
        )

    async def refuse(self, error: h11.RemoteProtocolError) -> None:
        """Say what was wrong with what the client has sent."""
        text = f"{error}\n".encode()
        await self.send(Answer(error.error_status_hint, text, "text/plain; charset=utf-8"))

    async def _send(self, *events: h11.Event) -> None:
        data = b"".join(self._http.send(event) or b"" for event in events)
        with trio.fail_after(IDLE_TIMEOUT):
            await self._stream.send_all(data)
