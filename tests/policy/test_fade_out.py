from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.fade_out import LAST_SHARE, FadeOut


def test_the_ramp_is_a_straight_line_down() -> None:
    fade_out = FadeOut(10.0, 110.0)
    factors = [fade_out.factor(now) for now in (100.0, 102.5, 105.0, 109.0)]
    assert factors == pytest.approx([1.0, 0.75, 0.5, 0.1])


@given(st.floats(0.001, 1e6), st.floats(0, 1e6), st.floats(0, 1e7))
def test_it_never_gets_to_nothing(duration: float, start: float, elapsed: float) -> None:
    factor = FadeOut(duration, start + duration).factor(start + elapsed)
    assert LAST_SHARE <= factor <= 1.001
