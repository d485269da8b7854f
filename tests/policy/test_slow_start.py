from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.slow_start import SlowStart


def test_there_is_no_ramp_at_boot() -> None:
    assert SlowStart(10.0).factor(0.0) == 1.0


def test_the_ramp_is_a_straight_line_from_a_tenth() -> None:
    ramp = SlowStart(10.0)
    ramp.begin(100.0)
    shares = [ramp.factor(100.0 + seconds) for seconds in (0, 5, 9, 10, 11)]
    assert shares == pytest.approx([0.1, 0.55, 0.91, 1.0, 1.0])


@given(st.floats(0.001, 1e6), st.floats(0, 1e6), st.floats(-10, 2e6))
def test_the_factor_stays_in_its_bounds(duration: float, start: float, elapsed: float) -> None:
    ramp = SlowStart(duration)
    ramp.begin(start)
    assert 0.1 <= ramp.factor(start + elapsed) <= 1.0


def test_without_a_duration_there_is_none() -> None:
    ramp = SlowStart(0.0)
    ramp.begin(5.0)
    assert ramp.factor(5.0) == 1.0
    assert ramp.factor(4.9) == 1.0


def test_a_shorter_duration_ends_a_ramp_sooner() -> None:
    ramp = SlowStart(100.0)
    ramp.begin(0.0)
    ramp.configure(10.0, 20.0)
    assert ramp.factor(29.0) < 1.0
    assert ramp.factor(30.0) == 1.0
    ramp.begin(40.0)
    ramp.configure(100.0, 40.0)
    assert ramp.end == 50.0
