from __future__ import annotations

from support.admin import open_desk
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.admin.snapshot import take_snapshot
from trio_balancer.wire.haproxy_columns import Kind


async def test_has_rows_values_and_counts(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    snapshot = take_snapshot(desk.operations)
    assert {row.kind for row in snapshot.rows} == {Kind.FRONTEND, Kind.BACKEND, Kind.SERVER}
    assert snapshot.info["CumConns"] == 0
    assert snapshot.statistics.active == 0
    assert snapshot.ready


async def test_does_not_change_any_more(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    snapshot = take_snapshot(desk.operations)
    desk.operations.reloads.gave_up(0.0, "no")
    desk.operations.balancer.drain()
    assert (snapshot.reloads.failed, snapshot.ready) == (0, True)
