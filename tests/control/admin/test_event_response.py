from __future__ import annotations

import attrs
import trio
from starlette.types import Message
from support.admin import open_desk
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.admin.event_response import EventResponse


@attrs.define(eq=False)
class Client:
    """The other end of a response: what it was sent, and when it goes."""

    sent: list[Message] = attrs.Factory(list)
    gone: trio.Event = attrs.Factory(trio.Event)
    asked: int = 0

    async def receive(self) -> Message:
        self.asked += 1
        if self.asked == 1:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


async def test_sends_news_until_the_client_is_gone(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    client = Client()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(EventResponse(desk.hub), {}, client.receive, client.send)
        await trio.sleep(3.5)
        assert len(desk.hub.subscribers) == 1
        client.gone.set()
    start, *bodies = client.sent
    assert start["headers"] == [(b"content-type", b"text/event-stream")]
    assert len(bodies) >= 4
    assert all(body["more_body"] for body in bodies)
    assert b"".join(body["body"] for body in bodies).startswith(b"event: status\ndata: {")
    assert not desk.hub.subscribers


async def test_a_client_that_breaks_off_is_forgotten(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    with trio.move_on_after(2.5):
        client = Client()
        await EventResponse(desk.hub)({}, client.receive, client.send)
    assert not desk.hub.subscribers
