from __future__ import annotations

import math

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.flow.admission import Admission


def limiters(*limits: float) -> list[trio.CapacityLimiter]:
    return [trio.CapacityLimiter(limit) for limit in limits]


async def test_takes_one_token_of_each() -> None:
    both = limiters(math.inf, 2)
    admission = Admission(both)
    assert admission.take_nowait()
    assert [limiter.borrowed_tokens for limiter in both] == [1, 1]
    admission.give_back()
    assert [limiter.borrowed_tokens for limiter in both] == [0, 0]


async def test_giving_back_twice_is_harmless() -> None:
    both = limiters(1, 1)
    admission, other = Admission(both), Admission(both)
    assert admission.take_nowait()
    admission.give_back()
    assert other.take_nowait()
    admission.give_back()
    assert [limiter.borrowed_tokens for limiter in both] == [1, 1]


@pytest.mark.parametrize("limits", [(1, 9), (9, 1)])
async def test_takes_all_or_none_without_waiting(limits: tuple[int, int]) -> None:
    both = limiters(*limits)
    assert Admission(both).take_nowait()
    late = Admission(both)
    assert not late.take_nowait()
    assert late.held == 0
    assert [limiter.borrowed_tokens for limiter in both] == [1, 1]


async def test_waits_for_the_listeners_token_first(nursery: trio.Nursery) -> None:
    own, everybodys = limiters(1, 9)
    first, second = Admission((own, everybodys)), Admission((own, everybodys))
    assert first.take_nowait()
    nursery.start_soon(second.take)
    await wait_all_tasks_blocked()
    assert everybodys.borrowed_tokens == 1, "a full listener holds no global token"
    first.give_back()
    await wait_all_tasks_blocked()
    assert second.held == 2


async def test_a_cancelled_wait_can_be_given_back(nursery: trio.Nursery) -> None:
    own, everybodys = limiters(9, 1)
    first, second = Admission((own, everybodys)), Admission((own, everybodys))
    assert first.take_nowait()
    with trio.CancelScope() as scope:
        nursery.start_soon(wait_all_tasks_blocked_then_cancel, scope)
        await second.take()
    assert scope.cancelled_caught
    second.give_back()
    assert (own.borrowed_tokens, everybodys.borrowed_tokens) == (1, 1)


async def wait_all_tasks_blocked_then_cancel(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()
