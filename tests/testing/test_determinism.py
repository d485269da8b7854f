from __future__ import annotations

import random

import pytest
import trio
from trio._core import _run
from trio.testing import wait_all_tasks_blocked

from trio_balancer.testing import determinism, deterministic_order, run_in_virtual_time


@pytest.fixture(autouse=True)
def switch_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process does in which Hypothesis was not there before."""
    monkeypatch.setattr(_run, "_ALLOW_DETERMINISTIC_SCHEDULING", False)


async def order_of_twenty() -> list[int]:
    order: list[int] = []

    async def note(number: int) -> None:
        await trio.lowlevel.checkpoint()
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(note, number)
    return order


def test_trio_still_has_the_switch() -> None:
    """A trio without it needs another way: see the module."""
    assert "_ALLOW_DETERMINISTIC_SCHEDULING" in vars(_run)
    assert isinstance(_run._r, random.Random)
    with deterministic_order(1):
        assert vars(_run)["_ALLOW_DETERMINISTIC_SCHEDULING"] is True


def test_the_switch_still_makes_the_order() -> None:
    orders = [run_in_virtual_time(order_of_twenty, seed=seed) for seed in (1, 1, 2, 2)]
    assert orders[0] == orders[1] != orders[2] == orders[3]
    # The same in every process and version of Python; trio shuffles with random.Random.
    assert orders[0][:5] == [8, 7, 3, 10, 0]


def test_afterwards_everything_is_as_it_was() -> None:
    before = _run._r.getstate()
    with pytest.raises(KeyError):
        _draw_and_fail()
    assert _run._r.getstate() == before
    assert vars(_run)["_ALLOW_DETERMINISTIC_SCHEDULING"] is False


def _draw_and_fail() -> None:
    with deterministic_order(1):
        _run._r.random()
        raise KeyError


@pytest.mark.parametrize("gone", ["_SWITCH", "_GENERATOR"])
def test_a_trio_without_the_switch_is_named(monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    monkeypatch.setattr(determinism, gone, "_no_such_thing")
    with pytest.raises(RuntimeError, match="cannot be told the order"), deterministic_order(1):
        pass


def test_virtual_time_begins_at_0_and_jumps() -> None:
    async def sleep(seconds: float) -> float:
        assert trio.current_time() == 0
        await trio.sleep(seconds)
        await wait_all_tasks_blocked()
        return trio.current_time()

    assert run_in_virtual_time(sleep, 3600.0) == 3600
