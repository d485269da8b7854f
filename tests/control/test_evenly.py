from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.world import BACKEND, World, keep, make_config
from trio.testing import wait_all_tasks_blocked

from trio_balancer.control.evenly import end_evenly

if TYPE_CHECKING:
    from trio.testing import MockClock

    from trio_balancer.flow.live import Connection


@pytest.fixture
async def crowd(world: World) -> World:
    await world.server(BACKEND, keep)
    await world.serve(make_config(listener='idle_timeout = "off"'))
    await world.clients(50)
    return world


def everybody(world: World) -> list[Connection]:
    return list(world.runtime.connections.values())


@pytest.mark.parametrize("over", [0.1, 1.0, 25.0, 3600.0, 100_000.0])
async def test_half_of_them_go_in_half_of_the_time_and_the_oldest_first(
    autojump_clock: MockClock, crowd: World, nursery: trio.Nursery, over: float
) -> None:
    nursery.start_soon(end_evenly, lambda: everybody(crowd), "sent away", over)
    await trio.sleep(over * 0.5)
    await wait_all_tasks_blocked()
    # In no time at all there are only a few steps to take.
    assert len(everybody(crowd)) == pytest.approx(25, abs=1 if over > 10 else 25)
    gone = {record.number for record in crowd.records}
    assert gone == set(range(1, len(gone) + 1))
    await trio.sleep(over * 0.5 + 0.001)
    await wait_all_tasks_blocked()
    assert everybody(crowd) == []
    assert set(crowd.endings()) == {"KD"}


async def test_it_stops_when_it_is_no_longer_wished(
    autojump_clock: MockClock, crowd: World
) -> None:
    def find() -> list[Connection] | None:
        return everybody(crowd) if len(crowd.records) < 10 else None

    await end_evenly(find, "sent away", 50.0)
    assert trio.current_time() < 20
    assert len(crowd.records) == 10


async def test_of_nobody_it_waits_for_those_who_may_come(
    autojump_clock: MockClock, world: World, nursery: trio.Nursery
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    nursery.start_soon(end_evenly, lambda: everybody(world), "sent away", 30.0)
    await trio.sleep(20)
    await world.clients(4)
    await trio.sleep(10.1)
    assert len(world.records) == 4
