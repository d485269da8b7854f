"""Idle timeouts, in virtual time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.relay import Sweeper, Sweepers
from trio_balancer.relay.sweeper import BATCH

if TYPE_CHECKING:
    from trio.testing import MockClock

TIMEOUT = 8.0
VISIT = 1.0  # an eighth


@attrs.define(eq=False)
class Idler:
    """Something that moves when told to."""

    moved: int = 0
    expired_at: list[float] = attrs.field(factory=list)

    def progress(self) -> int:
        return self.moved

    def expire(self) -> None:
        self.expired_at.append(trio.current_time())


@pytest.fixture
def sweeper(nursery: trio.Nursery) -> Sweeper:
    sweeper = Sweeper(TIMEOUT)
    nursery.start_soon(sweeper.run)
    return sweeper


@pytest.mark.parametrize("late", [0.0, 0.3, 0.999])
async def test_expires_after_the_timeout_and_at_most_an_eighth_more(
    sweeper: Sweeper, autojump_clock: MockClock, late: float
) -> None:
    # Somebody else has started the clock of the visits, some time before.
    sweeper.add(Idler())
    await wait_all_tasks_blocked()
    await trio.sleep(late)
    idler, start = Idler(), trio.current_time()
    sweeper.add(idler)
    await trio.sleep(2 * TIMEOUT)
    [expired_at] = idler.expired_at
    assert TIMEOUT <= expired_at - start <= TIMEOUT + VISIT


async def test_progress_starts_the_timeout_anew(
    sweeper: Sweeper, autojump_clock: MockClock
) -> None:
    idler, start = Idler(), trio.current_time()
    sweeper.add(idler)
    for _ in range(10):
        await trio.sleep(TIMEOUT - VISIT)
        idler.moved += 1
    moved_at = trio.current_time()
    assert not idler.expired_at
    await trio.sleep(3 * TIMEOUT)
    [expired_at] = idler.expired_at
    assert expired_at - start > 10 * (TIMEOUT - VISIT)
    assert TIMEOUT <= expired_at - moved_at <= TIMEOUT + VISIT


async def test_expires_once(sweeper: Sweeper, autojump_clock: MockClock) -> None:
    idler = Idler()
    sweeper.add(idler)
    await trio.sleep(10 * TIMEOUT)
    assert len(idler.expired_at) == 1


async def test_discarded_is_left_alone(sweeper: Sweeper, autojump_clock: MockClock) -> None:
    idler = Idler()
    sweeper.add(idler)
    await trio.sleep(TIMEOUT - VISIT)
    sweeper.discard(idler)
    sweeper.discard(idler)
    await trio.sleep(10 * TIMEOUT)
    assert not idler.expired_at


async def test_sleeps_for_good_while_there_is_nothing_to_watch(
    sweeper: Sweeper, autojump_clock: MockClock
) -> None:
    sweeper.add(Idler())
    await trio.sleep(3 * TIMEOUT)
    autojump_clock.autojump_threshold = math.inf
    await wait_all_tasks_blocked()
    # Nobody but this task has a deadline, so nobody wakes up in vain.
    assert trio.lowlevel.current_statistics().seconds_to_next_deadline == math.inf
    autojump_clock.autojump_threshold = 0
    idler, start = Idler(), trio.current_time()
    sweeper.add(idler)
    await trio.sleep(2 * TIMEOUT)
    assert TIMEOUT <= idler.expired_at[0] - start <= TIMEOUT + VISIT


async def test_what_was_added_again_meanwhile_has_its_full_timeout(
    sweeper: Sweeper, autojump_clock: MockClock
) -> None:
    """A sweep looks at a list that was made before; who was added anew since is not in it."""
    returning = Idler()

    class Rival(Idler):
        def expire(self) -> None:
            super().expire()
            sweeper.discard(returning)
            sweeper.add(returning)

    rival, start = Rival(), trio.current_time()
    sweeper.add(rival)
    sweeper.add(returning)
    await trio.sleep(4 * TIMEOUT)
    assert TIMEOUT <= rival.expired_at[0] - start <= TIMEOUT + VISIT
    [expired_at] = returning.expired_at
    assert expired_at - rival.expired_at[0] >= TIMEOUT


async def test_a_long_sweep_lets_others_run(sweeper: Sweeper, autojump_clock: MockClock) -> None:
    begun = trio.Event()

    class First(Idler):
        def expire(self) -> None:
            super().expire()
            begun.set()

    crowd = [First(), *(Idler() for _ in range(2 * BATCH))]
    for idler in crowd:
        sweeper.add(idler)
    await begun.wait()
    # One batch or two, as the scheduler pleases; but not the last.
    assert sum(len(idler.expired_at) for idler in crowd) in {BATCH, 2 * BATCH}
    await trio.lowlevel.checkpoint()
    await wait_all_tasks_blocked()
    assert all(idler.expired_at for idler in crowd)


async def test_one_sweeper_for_each_timeout(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    sweepers = Sweepers(nursery)
    assert sweepers.get(math.inf) is None
    short, long = sweepers.get(1.0), sweepers.get(TIMEOUT)
    assert short is not long
    assert sweepers.get(1.0) is short
    assert len(nursery.child_tasks) == 2
    assert short is not None
    idler = Idler()
    short.add(idler)
    await trio.sleep(2)
    assert idler.expired_at
