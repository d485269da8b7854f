from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.testing.memory_pipe import Pipe


def test_window_is_shared_by_both_buffers() -> None:
    pipe = Pipe(window=5)
    assert pipe.put(memoryview(b"abcdefgh")) == 5
    assert (pipe.room, pipe.arrived, pipe.unsent) == (0, 3, 2)
    assert pipe.take(100) == b"abc"
    assert (pipe.room, pipe.arrived, pipe.unsent) == (3, 2, 0)


def test_smallest_window_moves_bytes() -> None:
    pipe = Pipe(window=1)
    assert pipe.put(memoryview(b"ab")) == 1
    assert pipe.take(1) == b"a"


def test_fin_arrives_behind_the_bytes() -> None:
    pipe = Pipe(window=2)
    pipe.put(memoryview(b"ab"))
    pipe.finish()
    assert not pipe.fin_arrived
    pipe.take(1)
    assert pipe.fin_arrived


def test_cut_drops_what_has_not_arrived() -> None:
    pipe = Pipe(window=2)
    pipe.put(memoryview(b"ab"))
    pipe.finish()
    pipe.cut()
    assert pipe.take(2) == b"a"
    assert not pipe.finished


def test_cut_keeps_a_fin_that_has_arrived() -> None:
    pipe = Pipe(window=2)
    pipe.put(memoryview(b"a"))
    pipe.finish()
    pipe.cut()
    assert pipe.take(2) == b"a"
    assert pipe.finished


@given(st.integers(1, 9), st.lists(st.binary(max_size=12) | st.integers(1, 12)))
def test_bytes_keep_their_order_within_the_window(window: int, steps: list[bytes | int]) -> None:
    pipe, put, taken = Pipe(window), b"", b""
    for step in steps:
        if isinstance(step, bytes):
            put += step[: pipe.put(memoryview(step))]
        else:
            taken += pipe.take(step)
        assert 0 <= pipe.room <= window
        assert pipe.arrived + pipe.unsent == len(put) - len(taken)
    while pipe.arrived:
        taken += pipe.take(window)
    assert taken == put
