from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import trio
from support.admin import Desk, open_desk
from support.world import World, finish
from trio.testing import MockClock

from trio_balancer.control.admin.events import (
    BUSY,
    IDLE,
    MOST_OF_A_BATCH,
    MOST_UNREAD,
    EventHub,
    Subscriber,
    event,
)


@attrs.define
class Ear:
    """One who listens, and what it has heard."""

    subscriber: Subscriber
    heard: list[tuple[str, object]] = attrs.Factory(list)

    async def next(self) -> list[str]:
        """Return the names of what comes next."""
        told = parse(await self.subscriber.next())
        self.heard += told
        return [name for name, _ in told]

    async def first_sample(self) -> None:
        while not self.told("sample"):
            await self.next()

    def told(self, name: str) -> list[object]:
        return [data for each, data in self.heard if each == name]


def parse(stream: bytes) -> list[tuple[str, object]]:
    *events, rest = stream.decode().split("\n\n")
    assert rest == ""
    pairs = [each.split("\n") for each in events]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in pairs
    ]


@contextmanager
def listen(hub: EventHub) -> Iterator[Ear]:
    with hub.subscribe() as subscriber:
        yield Ear(subscriber)


async def some_endings(world: World, count: int) -> None:
    for client in await world.clients(count):
        await finish(client)


async def open_served_desk(world: World) -> Desk:
    await world.server()
    return await open_desk(world)


def test_an_event_is_two_lines() -> None:
    assert event("status", "{}") == b"event: status\ndata: {}\n\n"


async def test_the_status_comes_at_once(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    with listen(desk.hub) as ear:
        assert "status" in await ear.next()
        assert ear.told("status") == [desk.operations.status()]
        assert trio.current_time() == 0


async def test_then_every_second(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    with listen(desk.hub) as ear:
        await ear.first_sample()
        for _ in range(5):
            before = trio.current_time()
            assert await ear.next() == ["status", "sample"]
            assert trio.current_time() - before == BUSY


async def test_who_comes_in_a_quiet_time_does_not_wait(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    await trio.sleep(IDLE * 1.5)
    before = trio.current_time()
    with listen(desk.hub) as ear:
        await ear.first_sample()
    assert trio.current_time() == before


async def test_endings_come_as_they_happen(autojump_clock: MockClock, world: World) -> None:
    desk = await open_served_desk(world)
    with listen(desk.hub) as ear:
        await ear.next()
        await some_endings(world, 3)
        while len(ear.told("ending")) < 3:
            await ear.next()
        assert ear.told("ending") == list(reversed(desk.operations.endings()))
        assert trio.current_time() < 1


async def test_nobody_listens_and_nothing_is_kept(autojump_clock: MockClock, world: World) -> None:
    desk = await open_served_desk(world)
    await some_endings(world, 3)
    with listen(desk.hub) as ear:
        for _ in range(4):
            await ear.next()
        assert ear.told("ending") == []


async def test_a_flood_is_counted(autojump_clock: MockClock, world: World) -> None:
    desk = await open_served_desk(world)
    with listen(desk.hub) as ear:
        await ear.next()
        await some_endings(world, MOST_OF_A_BATCH + 7)
        while not ear.told("missed"):
            await ear.next()
        assert len(ear.told("ending")) == MOST_OF_A_BATCH
        assert ear.told("missed") == [{"endings": 7}]


async def test_a_slow_reader_gets_the_newest_state_and_the_count() -> None:
    subscriber = Subscriber()
    for number in range(MOST_UNREAD + 5):
        subscriber.tell_state("status", event("status", str(number)))
        subscriber.tell_ending(event("ending", str(number)))
    news = parse(await subscriber.next())
    assert news[0] == ("status", MOST_UNREAD + 4)
    assert [data for name, data in news if name == "ending"] == list(range(MOST_UNREAD))
    assert news[-1] == ("missed", {"endings": 5})


async def test_a_slow_reader_costs_others_nothing(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    with listen(desk.hub) as slow, listen(desk.hub) as quick:
        await slow.next()
        for _ in range(30):
            await quick.next()
        assert await slow.next() == ["status", "sample"]
        assert len(slow.told("status")) == 2


async def test_who_leaves_is_forgotten(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    with listen(desk.hub):
        assert len(desk.hub.subscribers) == 1
    assert not desk.hub.subscribers


async def test_cancelled_it_observes_no_more(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    before = world.runtime.observers
    hub = EventHub(desk.operations)
    async with trio.open_nursery() as nursery:
        await nursery.start(hub.run)
        assert len(world.runtime.observers) == len(before) + 1
        nursery.cancel_scope.cancel()
    assert world.runtime.observers == before
