from __future__ import annotations

import random

import attrs
import pytest
import trio
from support.world import BACKEND, FRONT, OTHER, World, finish, keep, make_config, trade
from trio.testing import MockClock

from trio_balancer.flow.record import Counts, Ending, Phase, Record, Who
from trio_balancer.flow.service_meters import (
    DIALS,
    Meters,
    ServiceMeter,
    ServiceStatistics,
    count_endings,
)
from trio_balancer.policy import Pool


def record(**changes: object) -> Record:
    whole = Record(
        number=1,
        listener="web",
        client=FRONT,
        address=FRONT,
        accepted_at=0.0,
        total_time=2.0,
        ending=Ending(Who.NOBODY, Phase.DONE),
        reason="",
        counts=Counts(3, 3, 2, 1),
        pool="app",
        backend="one",
        queue_time=0.5,
        connect_time=0.25,
        bytes_up=10,
        bytes_down=20,
        attempts=1,
    )
    return attrs.evolve(whole, **changes)  # type: ignore[arg-type]  # any of them


def of(world: World, backend: str = str(BACKEND)) -> ServiceStatistics:
    return world.balancer.statistics().pool_traffic["app"].backends[backend]


def test_a_finished_connection_is_added() -> None:
    meter = ServiceMeter()
    meter.chosen(4.0)
    meter.finished(record(attempts=3, redispatched=True), "--", active=2)
    seen = meter.statistics(10.0, active=1)
    assert (seen.chosen, seen.rate, seen.rate_max, seen.idle_for) == (1, 0, 1, 6.0)
    assert (seen.bytes_up, seen.bytes_down, seen.endings) == (10, 20, {"--": 1})
    assert (seen.retries, seen.redispatches, seen.peak) == (2, 1, 2)
    assert (seen.connect_p50, seen.connect_p99) == (0.25, 0.25)
    assert (seen.queue_time.mean, seen.connect_time.highest, seen.total_time.mean) == (
        0.5,
        0.25,
        2.0,
    )


def test_phases_that_were_not_reached_count_nowhere() -> None:
    meter = ServiceMeter()
    meter.finished(record(queue_time=None, connect_time=None, attempts=0), "SC", active=0)
    seen = meter.statistics(1.0, active=0)
    assert (seen.connect_p50, seen.queue_time.mean, seen.total_time.mean) == (None, 0.0, 2.0)


def test_memory_is_bounded() -> None:
    meter = ServiceMeter()
    for index in range(3 * DIALS):
        meter.finished(record(connect_time=float(index)), "--", active=1)
    assert len(meter.dials) == DIALS
    assert meter.statistics(1.0, active=0).connect_p50 == 2.5 * DIALS - 1


def test_peaks_are_cleared_and_who_is_there_is_one() -> None:
    meter = ServiceMeter()
    meter.finished(record(), "--", active=9)
    meter.clear_peaks()
    seen = meter.statistics(1.0, active=4)
    assert (seen.peak, seen.total_time.highest, seen.total_time.mean) == (4, 0.0, 2.0)


async def test_pool_and_backends_are_measured(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(backends=(BACKEND, OTHER)))
    first, _second, _third = await world.clients(3)
    await trade(first, b"12345")
    await finish(first)
    whole = world.balancer.statistics().pool_traffic["app"].whole
    assert (whole.chosen, whole.rate, whole.peak) == (3, 3, 3)
    assert (whole.bytes_up, whole.endings) == (5, {"--": 1})
    assert (of(world).chosen, of(world).bytes_down, of(world).peak) == (2, 5, 2)
    assert of(world, str(OTHER)).chosen == 1
    assert of(world).connect_p50 == 0.0


async def test_failures_go_to_who_failed(autojump_clock: MockClock, world: World) -> None:
    await world.server(OTHER, keep)
    await world.serve(make_config(backends=(BACKEND, OTHER)))
    client = await world.client()
    client.reset()
    await trio.sleep(1)
    # The first attempt was at a backend that refuses, the second went elsewhere.
    assert (of(world).chosen, of(world).endings) == (1, {})
    other = of(world, str(OTHER))
    assert (other.retries, other.redispatches, other.endings) == (1, 1, {"CD": 1})
    assert count_endings(other.endings, Who.CLIENT, Who.BACKEND) == 1


async def test_a_pool_that_is_down_is_noticed(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    await world.serve(make_config(more=""))
    server.stop()
    await world.until(lambda: world.lines("No backend of the pool is up") != [])
    down = world.balancer.statistics().pool_traffic["app"].availability
    assert (down.up, down.times_down) == (False, 1)
    await server.start()
    await world.until(lambda: len(world.lines("Backend is UP")) > 0)
    up = world.balancer.statistics().pool_traffic["app"].availability
    assert (up.up, up.times_down) == (True, 1)
    assert up.downtime > 1


def test_who_is_forgotten_is_measured_no_more() -> None:
    config = make_config(backends=(BACKEND, OTHER)).pools["app"]
    pool = Pool(config, now=0.0, rng=random.Random(1))
    meters = Meters()
    for backend in pool.backends:
        meters.chosen(pool, backend, 1.0)
    meters.of("gone")
    gone = pool.backends.pop()
    pool.departed.append(gone)
    meters.forget_others([pool])
    assert (list(meters.pools), len(meters.of("app").backends)) == (["app"], 2)
    pool.departed.clear()
    meters.forget_others([pool])
    assert list(meters.of("app").backends) == pool.backends


def test_counts_begin_anew_and_states_stay() -> None:
    pool = Pool(make_config().pools["app"], now=0.0, rng=random.Random(1))
    meters = Meters()
    meters.joined(pool, 1.0)
    meters.of("app").availability.note(5.0, up=False)
    meters.clear_peaks()
    meters.clear()
    assert meters.of("app").rate.total == 0
    assert (meters.of("app").availability.up, meters.of("app").availability.times_down) == (
        False,
        0,
    )


@pytest.mark.parametrize(("who", "expected"), [(Who.CLIENT, 3), (Who.POLICY, 0)])
def test_endings_are_counted_by_who_is_to_blame(who: Who, expected: int) -> None:
    assert count_endings({"CD": 2, "CC": 1, "--": 5}, who) == expected
