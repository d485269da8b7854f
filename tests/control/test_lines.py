from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.control.lines import LineBuffer, LineTooLongError
from trio_balancer.wire.haproxy_cli import MAX_LINE


@given(st.binary(max_size=200), st.integers(1, 7))
def test_cuts_make_no_difference(data: bytes, size: int) -> None:
    whole = LineBuffer().feed(data)
    pieces = LineBuffer()
    found = [
        line
        for start in range(0, len(data), size)
        for line in pieces.feed(data[start : start + size])
    ]
    assert found == whole
    assert len(whole) == data.count(b"\n")


def test_the_end_of_a_line_may_be_that_of_windows() -> None:
    assert LineBuffer().feed(b"one\r\ntwo\nthr") == [b"one", b"two"]


def test_a_line_of_the_largest_size() -> None:
    assert LineBuffer().feed(b"x" * MAX_LINE + b"\n") == [b"x" * MAX_LINE]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_that_is_too_long_is_refused_as_soon_as_it_is(end: bytes) -> None:
    buffer = LineBuffer()
    assert buffer.feed(b"x" * MAX_LINE) == []
    with pytest.raises(LineTooLongError, match="at most 16384 bytes"):
        buffer.feed(b"x" + end)
    assert buffer.feed(b"again\n") == [b"again"]
