"""Hours on the path of a connection: closed doors, and connections that end with their window."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio
from support.world import World, is_reset, make_config, trade
from trio.testing import MockClock

OFFICE = 'hours = [{ days = "mon-fri", from = "08:00", to = "18:00", timezone = "Europe/Berlin" }]'
NIGHT = 'hours = [{ days = "sat", from = "22:00", to = "03:30", timezone = "Europe/Berlin" }]'


def at(text: str) -> float:
    """Return Unix seconds of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def open_world(world: World, hours: str, start: str, *, closes: bool = True) -> None:
    world.wall_start = at(start)
    await world.server()
    closing = f"close_outside_hours = {'true' if closes else 'false'}"
    access = f"[listeners.web.access]\n{hours}\n{closing}"
    await world.serve(make_config(listener=f'idle_timeout = "off"\n{access}'))


async def test_outside_the_hours_a_client_is_refused(
    world: World, autojump_clock: MockClock
) -> None:
    await open_world(world, OFFICE, "2026-11-23T06:59:00")  # a Monday; 07:59 in Berlin

    assert await is_reset(await world.client())
    await trio.sleep(60)
    assert await trade(await world.client()) == b"ping"

    assert [record.refusal for record in world.records] == ["outside-hours"]


async def test_a_connection_ends_when_its_window_closes(
    world: World, autojump_clock: MockClock
) -> None:
    await open_world(world, OFFICE, "2026-11-23T16:00:00")  # 17:00 in Berlin
    client = await world.client()
    began = trio.current_time()

    assert await is_reset(client)

    assert trio.current_time() - began == pytest.approx(3600, abs=1)
    assert world.endings() == ["PD"]
    assert world.records[0].reason == "its listener's hours are over"
    world.assert_nothing_is_held()


async def test_a_connection_may_outlive_its_window(world: World, autojump_clock: MockClock) -> None:
    await open_world(world, OFFICE, "2026-11-23T16:59:00", closes=False)
    client = await world.client()
    await trio.sleep(300)
    assert await trade(client) == b"ping"
    assert await is_reset(await world.client())


@pytest.mark.parametrize(
    ("start", "hours_open"),
    [
        # From 22:00 to 03:30, with an hour twice, an hour less, and as long as the clock says.
        ("2026-10-24T19:00:00", 6.5),
        ("2026-03-28T20:00:00", 4.5),
        ("2026-11-21T20:00:00", 5.5),
    ],
)
async def test_a_night_over_midnight_and_a_change_of_the_clocks(
    world: World, autojump_clock: MockClock, start: str, hours_open: float
) -> None:
    await open_world(world, NIGHT, start)  # 21:00 in Berlin
    assert await is_reset(await world.client())
    await trio.sleep(3600)
    client = await world.client()
    began = trio.current_time()

    assert await is_reset(client)

    assert (trio.current_time() - began) / 3600 == pytest.approx(hours_open, abs=0.001)


async def test_a_wall_clock_that_is_set_is_noticed(world: World, autojump_clock: MockClock) -> None:
    await open_world(world, OFFICE, "2026-11-23T10:00:00")
    client = await world.client()
    began = trio.current_time()
    world.wall_start = at("2026-11-23T20:00:00")

    assert await is_reset(client)

    assert trio.current_time() - began < 20
