from __future__ import annotations

from functools import partial

import trio
from trio.testing import MockClock

from trio_balancer.testing.memory_courier import Courier


async def test_calls_come_in_time_and_then_in_order(autojump_clock: MockClock) -> None:
    courier, called = Courier(), list[tuple[str, float]]()

    def call(name: str) -> None:
        called.append((name, trio.current_time()))

    for when, name in [(2, "b"), (1, "a"), (2, "c")]:
        courier.call_at(when, partial(call, name))
    assert called == []
    await trio.sleep(3)
    assert called == [("a", 1), ("b", 2), ("c", 2)]
    courier.call_at(0, partial(call, "late"))
    await trio.sleep(1)
    assert called[3:] == [("late", 3)]


async def test_a_sooner_call_overtakes(autojump_clock: MockClock) -> None:
    courier, called = Courier(), list[float]()
    courier.call_at(9, lambda: called.append(trio.current_time()))
    await trio.sleep(1)
    courier.call_at(2, lambda: called.append(trio.current_time()))
    await trio.sleep(9)
    assert called == [2, 9]


def test_what_was_not_called_ends_with_its_run() -> None:
    courier, called = Courier(), list[int]()

    async def leave() -> None:
        courier.call_at(trio.current_time() + 60, partial(called.append, 1))
        await trio.lowlevel.checkpoint()

    async def use_again() -> None:
        courier.call_at(trio.current_time(), partial(called.append, 2))
        await trio.sleep(100)

    trio.run(leave)
    trio.run(use_again, clock=MockClock(autojump_threshold=0))
    assert called == [2]
