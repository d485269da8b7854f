from __future__ import annotations

import math

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.testing.link import Condition, Link


def test_a_link_lets_everything_pass_at_first() -> None:
    link = Link()
    assert not any((link.refuses, link.stalls, link.unreachable))
    assert (link.latency, link.rate) == (0, math.inf)


def test_conditions_add_up_and_end_one_by_one() -> None:
    link = Link()
    slow, slower = Condition(latency=1, rate=100), Condition(latency=2, rate=10)
    cut = Condition(stalls=True, unreachable=True)
    for condition in (slow, slower, cut):
        link.impose(condition)
    assert (link.latency, link.rate, link.stalls, link.unreachable) == (3, 10, True, True)
    link.lift(slower)
    assert (link.latency, link.rate) == (1, 100)
    link.lift(cut)
    link.lift(slow)
    assert (link.latency, link.rate, link.stalls, link.unreachable) == (0, math.inf, False, False)


def test_the_same_condition_twice_needs_two_healings() -> None:
    link = Link()
    first, second = Condition(refuses=True), Condition(refuses=True)
    link.impose(first)
    link.impose(second)
    link.lift(first)
    assert link.refuses
    link.lift(second)
    assert not link.refuses


def test_a_low_rate_is_a_trickle() -> None:
    link = Link()
    assert link.piece > 1 << 20
    link.impose(Condition(rate=1000))
    assert link.piece == 50
    link.impose(Condition(rate=0.1))
    assert link.piece == 1


async def test_waiting_ends_with_a_change_or_in_time(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    link = Link()
    nursery.start_soon(link.wait_change)
    await wait_all_tasks_blocked()
    link.impose(Condition(latency=1))
    await wait_all_tasks_blocked()
    assert not nursery.child_tasks
    await link.wait_change(until=trio.current_time() + 5)
    assert trio.current_time() == 5


async def test_a_dial_waits_until_it_would_arrive(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    link = Link()
    await link.wait_reachable()
    cut, other = Condition(unreachable=True), Condition(latency=1)
    link.impose(cut)
    nursery.start_soon(link.wait_reachable)
    await wait_all_tasks_blocked()
    link.impose(other)
    await wait_all_tasks_blocked()
    assert nursery.child_tasks
    link.lift(cut)
    await wait_all_tasks_blocked()
    assert not nursery.child_tasks
