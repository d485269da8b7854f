from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from trio_balancer.config.model import BackendConfig, PoolConfig
from trio_balancer.config.model_health import OutlierConfig
from trio_balancer.health.ejections import Wakeup, keep_ending_ejections
from trio_balancer.policy import Change, Pool, State
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio.testing import MockClock

BACKENDS = tuple(BackendConfig(name, inet_address("192.0.2.1", ord(name))) for name in "abc")


@pytest.fixture
def changes() -> list[Change]:
    return []


@pytest.fixture
def changed() -> Wakeup:
    return Wakeup()


@pytest.fixture
def pools(changes: list[Change], changed: Wakeup) -> dict[str, Pool]:
    """Two pools with ejections of 30 and 10 seconds."""

    def notify(change: Change) -> None:
        changes.append(change)
        changed.wake()

    pools = {}
    for name, ejection in (("slow", 30.0), ("fast", 10.0)):
        outlier = OutlierConfig(failures=1, ejection=ejection, max_ejected_percent=100.0)
        config = PoolConfig(name, BACKENDS, outlier=outlier)
        pools[name] = Pool(config, now=0.0, rng=random.Random(1), notify=notify)
    return pools


def eject(pool: Pool, index: int) -> None:
    pool.dial_failed(pool.backends[index], trio.current_time(), "Connection refused", 0.0)


def history(changes: list[Change]) -> list[tuple[float, str, str, State]]:
    return [(change.at, change.pool, change.backend.name, change.after) for change in changes]


async def test_each_ejection_ends_when_its_time_is_over(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    pools: dict[str, Pool],
    changed: Wakeup,
    changes: list[Change],
) -> None:
    await nursery.start(keep_ending_ejections, pools.values(), changed)
    await trio.sleep(1)
    eject(pools["slow"], 0)
    await trio.sleep(2)
    eject(pools["fast"], 1)
    await trio.sleep(2)
    eject(pools["slow"], 2)
    await trio.sleep(100)
    assert history(changes) == [
        (1, "slow", "a", State.DOWN),
        (3, "fast", "b", State.DOWN),
        (5, "slow", "c", State.DOWN),
        (13, "fast", "b", State.UP),
        (31, "slow", "a", State.UP),
        (35, "slow", "c", State.UP),
    ]


async def test_an_ejection_from_before_the_service_ends_too(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    pools: dict[str, Pool],
    changed: Wakeup,
    changes: list[Change],
) -> None:
    eject(pools["fast"], 0)
    await nursery.start(keep_ending_ejections, pools.values(), changed)
    await trio.sleep(20)
    assert history(changes)[1:] == [(10, "fast", "a", State.UP)]


async def test_a_pool_that_joins_later_is_seen(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    pools: dict[str, Pool],
    changed: Wakeup,
    changes: list[Change],
) -> None:
    late = pools.pop("fast")
    await nursery.start(keep_ending_ejections, pools.values(), changed)
    await trio.testing.wait_all_tasks_blocked()
    pools["fast"] = late
    eject(late, 0)
    await trio.sleep(20)
    assert history(changes)[1:] == [(10, "fast", "a", State.UP)]


async def test_without_pools_it_sleeps_until_woken(
    autojump_clock: MockClock, nursery: trio.Nursery, changed: Wakeup
) -> None:
    empty: list[Pool] = []
    await nursery.start(keep_ending_ejections, empty, changed)
    await trio.sleep(1000)
    changed.wake()
    await trio.testing.wait_all_tasks_blocked()
    assert len(nursery.child_tasks) == 1


async def test_a_wakeup_ends_a_sleep_and_is_not_lost(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    wakeup = Wakeup()
    wakeup.wake()
    wakeup.wake()
    await wakeup.sleep_until(math.inf)
    assert trio.current_time() == 0
    await wakeup.sleep_until(5.0)
    assert trio.current_time() == 5
    await wakeup.sleep_until(1.0)
    assert trio.current_time() == 5
    nursery.start_soon(_wake_in, 3, wakeup)
    await wakeup.sleep_until(math.inf)
    assert trio.current_time() == 8


async def _wake_in(seconds: float, wakeup: Wakeup) -> None:
    await trio.sleep(seconds)
    wakeup.wake()
