from __future__ import annotations

from support.admin import open_desk
from support.world import World, finish
from trio.testing import MockClock

from trio_balancer.control.admin.families import families
from trio_balancer.control.admin.histograms import Histograms
from trio_balancer.control.admin.snapshot import take_snapshot


async def test_each_family_is_there_once_and_says_something(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server()
    desk = await open_desk(world)
    await finish(await world.client())
    found = list(families(take_snapshot(desk.operations), desk.metrics.histograms))
    names = [family.name for family in found]
    assert len(names) == len(set(names))
    assert all(family.samples and family.documentation for family in found)


async def test_counters_end_with_total_and_others_do_not(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    for family in families(take_snapshot(desk.operations), Histograms()):
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")


async def test_what_prometheus_takes_from_nobody_else_is_left_out(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    found = families(take_snapshot(desk.operations), Histograms())
    assert [family.name for family in found if "percent" in family.name] == []


async def test_refusals_are_told_by_the_reason(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    world.balancer.gates["web"].listener.totals.refusals["denied"] += 2
    snapshot = take_snapshot(desk.operations)
    found = {family.name: family for family in families(snapshot, Histograms())}
    (sample,) = found["trio_balancer_refusals"].samples
    assert (sample.labels, sample.value) == ({"listener": "web", "reason": "denied"}, 2)


async def test_histograms_of_what_is_gone_are_not_told(
    autojump_clock: MockClock, world: World
) -> None:
    desk = await open_desk(world)
    histograms = Histograms()
    histograms.total.add(("gone",), 1.0)
    histograms.total.add(("web",), 1.0)
    snapshot = take_snapshot(desk.operations)
    found = {family.name: family for family in families(snapshot, histograms)}
    told = found["trio_balancer_connection_time_seconds"].samples
    assert {sample.labels["listener"] for sample in told} == {"web"}
