from __future__ import annotations

import attrs
import trio
from trio.testing import MockClock

from trio_balancer.control.places import Places

GRACE = 1.0


@attrs.define(eq=False)
class Someone:
    """A guest who leaves as soon as it is asked to."""

    places: Places[Someone]
    idle_since: float | None = 0.0
    is_stream: bool = False
    asked: int = 0
    stubborn: bool = False

    def send_away(self) -> None:
        self.asked += 1
        if not self.stubborn:
            self.places.leave(self)


def full(*idle_since: float | None) -> tuple[Places[Someone], list[Someone]]:
    """Give every place to somebody."""
    places: Places[Someone] = Places(len(idle_since), GRACE)
    guests = [Someone(places, since) for since in idle_since]
    for guest in guests:
        places.enter(guest)
    return places, guests


def asked(guests: list[Someone]) -> list[int]:
    return [guest.asked for guest in guests]


async def test_while_there_is_room_nobody_waits(autojump_clock: MockClock) -> None:
    places: Places[Someone] = Places(1, GRACE)
    await places.make_room()
    assert trio.current_time() == 0


async def test_who_has_been_idle_the_longest_goes(autojump_clock: MockClock) -> None:
    await trio.sleep(10)
    places, guests = full(5.0, 3.0, 4.0, None)
    await places.make_room()
    assert asked(guests) == [0, 1, 0, 0]


async def test_nobody_goes_before_the_grace_is_over(autojump_clock: MockClock) -> None:
    places, guests = full(0.0, 0.5)
    await places.make_room()
    assert asked(guests) == [1, 0]
    assert GRACE <= trio.current_time() < GRACE + 0.1


async def test_streams_go_last(autojump_clock: MockClock) -> None:
    await trio.sleep(10)
    places, guests = full(0.0, 5.0)
    guests[0].is_stream = True
    await places.make_room()
    assert asked(guests) == [0, 1]


async def test_who_is_busy_may_leave_by_itself(autojump_clock: MockClock) -> None:
    places, guests = full(None, None)
    with trio.move_on_after(100) as waiting:
        await places.make_room()
    assert waiting.cancelled_caught
    async with trio.open_nursery() as nursery:
        nursery.start_soon(places.make_room)
        places.leave(guests[1])
    assert asked(guests) == [0, 0]


async def test_one_newcomer_sends_away_only_one(autojump_clock: MockClock) -> None:
    await trio.sleep(10)
    places, guests = full(0.0, 1.0)
    guests[0].stubborn = True
    with trio.move_on_after(5):
        await places.make_room()
    assert asked(guests) == [1, 0]
    places.leave(guests[0])
    await places.make_room()
