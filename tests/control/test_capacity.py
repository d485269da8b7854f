from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import operate
from support.world import BACKEND, OTHER, World
from trio.testing import MockClock

from trio_balancer.control.capacity import (
    limit_backend,
    limit_balancer,
    limit_listener,
    parse_weight,
    weigh_backend,
)
from trio_balancer.control.errors import OperationError


@pytest.mark.parametrize(
    ("weight", "configured", "expected"),
    [
        (0, 10, 0),
        (256, 10, 256),
        ("0%", 10, 0),
        ("50%", 10, 5),
        ("100%", 10, 10),
        ("300%", 10, 30),
        ("1%", 10, 1),
        ("50%", 1, 1),
        ("50%", 0, 0),
    ],
)
def test_weights(weight: int | str, configured: int, expected: int) -> None:
    assert parse_weight(weight, configured) == expected


@pytest.mark.parametrize("weight", [-1, 257, True, "", "x", "50", "-5%", "5.5%", "٣%", "9999%"])
def test_what_is_no_weight(weight: int | str) -> None:
    with pytest.raises(OperationError) as caught:
        parse_weight(weight, 10)
    assert caught.value.code == "bad-value"


@given(st.integers(1, 100), st.integers(1, 256))
def test_a_share_above_zero_is_never_nothing(share: int, configured: int) -> None:
    assert 1 <= parse_weight(f"{share}%", configured) <= configured


async def test_a_weight_holds_for_the_next_clients(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await operate(world)
    assert weigh_backend(world.balancer, "app", "one", 0) == {
        "pool": "app",
        "backend": "one",
        "weight": 0,
    }
    await world.clients(3)
    assert [backend.active for backend in world.runtime.pools["app"].backends] == [0, 3]
    # The percentage is of what the file says, whatever holds now.
    assert weigh_backend(world.balancer, "app", "one", "50%")["weight"] == 5
    assert "weight=5" in world.lines("Weight set by the operator")[1]


async def test_limits(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world, pool='queue_timeout = "1s"\n')
    limit_backend(world.balancer, "app", "one", 3)
    limit_backend(world.balancer, "app", "two", None)
    limit_listener(world.balancer, "web", 5)
    limit_balancer(world.balancer, 50)
    statistics = world.balancer.statistics()
    backends = statistics.pools[0].backends
    assert [backend.max_connections for backend in backends] == [3, None]
    assert (statistics.listeners[0].limit, statistics.limit) == (5, 50)
    assert limit_listener(world.balancer, "web", None) == {
        "listener": "web",
        "max_connections": None,
    }
    assert world.balancer.statistics().listeners[0].limit == float("inf")


async def test_without_a_limit_the_open_files_decide(
    autojump_clock: MockClock, world: World
) -> None:
    await operate(world)
    told = limit_balancer(world.balancer, None)
    assert told["max_connections"] == world.runtime.limiter.total_tokens > 100


@pytest.mark.parametrize("value", [0, -1, True])
async def test_what_is_no_limit(value: int, autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    limits: list[Callable[[], object]] = [
        lambda: limit_backend(world.balancer, "app", "one", value),
        lambda: limit_listener(world.balancer, "web", value),
        lambda: limit_balancer(world.balancer, value),
    ]
    for limit in limits:
        with pytest.raises(OperationError, match="at least 1"):
            limit()


async def test_what_does_not_fit_is_refused(autojump_clock: MockClock, world: World) -> None:
    await operate(world)
    with pytest.raises(OperationError, match="open files") as caught:
        limit_balancer(world.balancer, 2_000_000_000)
    assert caught.value.code == "bad-value"
    assert world.runtime.limiter.total_tokens == 100
