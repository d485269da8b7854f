from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.connect_time import DEFAULT, FLOOR, PENALTY, TAU, ConnectTime


def test_it_begins_at_the_default() -> None:
    assert ConnectTime(3.0).at(3.0) == DEFAULT == 0.030


def test_a_peak_counts_at_once() -> None:
    estimate = ConnectTime(0.0)
    estimate.succeeded(0.5, 1.0)
    assert estimate.at(1.0) == 0.5


def test_a_lower_sample_is_averaged_in_by_its_age() -> None:
    estimate = ConnectTime(0.0)
    estimate.succeeded(1.0, 0.0)
    estimate.succeeded(0.2, TAU)
    assert estimate.at(TAU) == pytest.approx(1.0 / math.e + 0.2 * (1 - 1 / math.e))


def test_it_sinks_while_nobody_asks_and_never_to_nothing() -> None:
    estimate = ConnectTime(0.0)
    estimate.succeeded(1.0, 0.0)
    assert estimate.at(TAU) == pytest.approx(1.0 / math.e)
    assert estimate.at(1e6) == FLOOR


def test_a_refused_dial_is_quick_but_expensive() -> None:
    estimate = ConnectTime(0.0)
    estimate.failed(0.001, 0.0)
    assert estimate.at(0.0) == PENALTY
    estimate.failed(30.0, 0.0)
    assert estimate.at(0.0) == 30.0


def test_a_clock_that_lags_does_no_harm() -> None:
    estimate = ConnectTime(10.0)
    assert estimate.at(9.0) == DEFAULT


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 60)), min_size=1))
def test_the_estimate_never_exceeds_the_highest_sample(samples: list[tuple[float, float]]) -> None:
    estimate, now = ConnectTime(0.0), 0.0
    for wait, seconds in samples:
        now += wait
        estimate.succeeded(seconds, now)
        assert estimate.at(now) >= min(seconds, FLOOR)
    assert estimate.at(now) <= max(DEFAULT, *(s for _, s in samples)) + 1e-9
