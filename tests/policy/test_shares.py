from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.shares import fair_shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend

    Backends = Callable[..., tuple[Backend, ...]]


def test_by_weight(backends: Backends) -> None:
    a, b = backends(1, 3)
    assert fair_shares([a, b], 100, 0.0) == {a: 25.0, b: 75.0}


def test_a_limit_leaves_more_to_the_others(backends: Backends) -> None:
    a, b, c = backends(1, 1, 2)
    c.set_max_connections(10)
    assert fair_shares([a, b, c], 100, 0.0) == {a: 45.0, b: 45.0, c: 10.0}


def test_what_nobody_can_take_is_nobody_s(backends: Backends) -> None:
    a, b = backends(1, 1)
    a.set_max_connections(3)
    b.set_max_connections(4)
    assert fair_shares([a, b], 100, 0.0) == {a: 3.0, b: 4.0}


def test_of_nobody(backends: Backends) -> None:
    assert fair_shares([], 5, 0.0) == {}


def test_slow_start_counts(backends: Backends) -> None:
    a, b = backends(1, 1)
    b.slow_start.duration = 10.0
    b.slow_start.begin(0.0)
    assert fair_shares([a, b], 11, 0.0) == pytest.approx({a: 10.0, b: 1.0})


@given(
    st.lists(st.tuples(st.integers(1, 256), st.none() | st.integers(1, 50)), min_size=1),
    st.integers(0, 1000),
)
def test_everything_is_dealt_out_and_no_limit_exceeded(
    backends: Backends, given: list[tuple[int, int | None]], total: int
) -> None:
    some = backends(*(weight for weight, _ in given))
    for backend, (_, limit) in zip(some, given, strict=True):
        backend.set_max_connections(limit)
    shares = fair_shares(some, total, 0.0)
    assert set(shares) == set(some)
    assert all(shares[backend] <= backend.limit + 1e-6 for backend in some)
    assert sum(shares.values()) == pytest.approx(min(total, sum(b.limit for b in some)))
    # Who has less than its limit has the same for each unit of weight.
    free = [shares[b] / b.weight for b in some if shares[b] < b.limit - 1e-6]
    assert all(each == pytest.approx(free[0]) for each in free)
