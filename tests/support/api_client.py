"""A client of an HTTP API, in the test's own trio loop; it says exactly what it sends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import h11
import trio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.testing.toxiproxy import Toxiproxy


@attrs.frozen
class Reply:
    """What was answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON is
        """Return the body's value."""
        return json.loads(self.body)


@attrs.frozen
class ApiClient:
    """Asks one server; a new connection each time."""

    host: str
    port: int

    @classmethod
    def of(cls, toxiproxy: Toxiproxy) -> ApiClient:
        """Return a client of Toxiproxy's API."""
        return cls(toxiproxy.host, toxiproxy.port)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask, with bytes as they are or with a value as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {"Host": "test", "Content-Length": str(len(data)), **(headers or {})}
        http = h11.Connection(h11.CLIENT)
        sent = [
            http.send(h11.Request(method=method, target=path, headers=list(all_headers.items()))),
            http.send(h11.Data(data=data)),
            http.send(h11.EndOfMessage()),
        ]
        async with await trio.open_tcp_stream(self.host, self.port) as stream:
            await stream.send_all(b"".join(each or b"" for each in sent))
            return await _read(stream, http)


async def _read(stream: trio.SocketStream, http: h11.Connection) -> Reply:
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some(65536)))
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode(): value.decode() for name, value in head.headers}
            return Reply(head.status_code, headers, bytes(body))
