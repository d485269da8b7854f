from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.filters.pacing import Pacer, pacer, slice_size


def test_a_burst_goes_at_once_and_then_at_the_rate() -> None:
    bucket = Pacer(rate=100, burst=50)
    assert bucket.reserve(50, now=10) == 0
    assert bucket.reserve(100, now=10) == 1
    assert bucket.reserve(100, now=10) == 2
    assert bucket.reserve(50, now=13) == 0
    # A rest of any length is worth one burst.
    assert bucket.reserve(50, now=1000) == 0
    assert bucket.reserve(1, now=1000) == pytest.approx(0.01)


def test_without_a_limit_nobody_waits() -> None:
    assert Pacer(math.inf, math.inf).reserve(1 << 60, now=0) == 0
    assert pacer(math.inf, None).reserve(1 << 60, now=0) == 0


def test_a_burst_is_50_ms_unless_it_is_given() -> None:
    assert pacer(1000, None).burst == 50
    assert pacer(1000, 7).burst == 7


@given(
    rate=st.floats(1, 1e9),
    burst=st.floats(0, 1e9),
    steps=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 1 << 20)), min_size=1),
)
def test_never_more_than_burst_and_rate_allow(
    rate: float, burst: float, steps: list[tuple[float, int]]
) -> None:
    bucket, now, total = Pacer(rate, burst), 1000.0, 0
    start = now
    for pause, count in steps:
        now += pause
        total += count
        gone_at = now + bucket.reserve(count, now)
        assert total <= (burst + rate * (gone_at - start)) * (1 + 1e-9) + rate * 1e-6


@pytest.mark.parametrize(
    ("rate", "shared", "size"),
    [
        (math.inf, False, 65536),
        (math.inf, True, 65536),
        (1_000_000, False, 50_000),
        (1_000_000, True, 10_000),
        (1e9, False, 65536),
        (10, False, 1),
        (10, True, 512),
    ],
)
def test_slices(rate: float, shared: bool, size: int) -> None:  # noqa: FBT001 - a parameter
    assert slice_size(rate, shared=shared) == size
