from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.filters import Hold, HoldFullError


def test_bytes_come_back_in_order() -> None:
    hold = Hold(10)
    hold.add(b"abc")
    hold.add(b"def")
    assert (len(hold), bytes(hold)) == (6, b"abcdef")
    assert hold.take(2) == b"ab"
    assert hold.take(100) == b"cdef"
    assert hold.take() == b""


def test_a_full_one_takes_no_more_and_keeps_what_it_has() -> None:
    hold = Hold(3)
    hold.add(b"abc")
    with pytest.raises(HoldFullError, match="more than filter_buffer, 3 bytes"):
        hold.add(b"d")
    assert bytes(hold) == b"abc"


@given(st.lists(st.one_of(st.binary(max_size=9), st.integers(0, 9))))
def test_against_a_model(steps: list[bytes | int]) -> None:
    hold, model = Hold(1000), b""
    for step in steps:
        if isinstance(step, bytes):
            hold.add(step)
            model += step
        else:
            assert hold.take(step) == model[:step]
            model = model[step:]
        assert bytes(hold) == model
