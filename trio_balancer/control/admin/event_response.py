"""The answer to somebody who listens to events: it ends when he goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.control.admin.events import EventHub

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


@attrs.frozen
class EventResponse:
    """An endless response; Starlette's own may leave what it iterates over unfinished."""

    hub: EventHub

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send news until the client is gone."""
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        with self.hub.subscribe() as subscriber:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_wait_until_gone, receive, nursery.cancel_scope)
                while True:
                    news = await subscriber.next()
                    body = {"type": "http.response.body", "body": news, "more_body": True}
                    await send(body)


async def _wait_until_gone(receive: Receive, answering: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answering.cancel()
