from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stages import joined, stage_of, taken, until_empty

from trio_balancer.config.model_effects import Bandwidth, Slicer
from trio_balancer.faults.stages import CHUNK, Cut, cost


def test_bytes_take_the_time_that_the_rate_gives_them() -> None:
    stage = stage_of(Bandwidth(rate=10))
    stage.put(bytes(500), 1)
    assert until_empty(stage) == [(1.05, bytes(500))]


def test_much_goes_in_steps_of_a_tenth_of_a_second() -> None:
    stage = stage_of(Bandwidth(rate=10))
    stage.put(bytes(2500), 0)
    seen = until_empty(stage)
    assert [due for due, _ in seen] == pytest.approx([0.1, 0.2, 0.25])
    assert joined(seen) == bytes(2500)


def test_the_end_goes_with_the_last_byte() -> None:
    stage = stage_of(Bandwidth(rate=1))
    stage.put(b"x" * 50, 0)
    stage.put(b"", 0)
    stage.put(Cut("why"), 0)
    assert [due for due, _ in until_empty(stage)] == pytest.approx([0.05, 0.05, 0.05])


def test_one_flow_keeps_to_the_rate_although_the_next_bytes_come_a_little_late() -> None:
    stage = stage_of(Bandwidth(rate=100))
    now = 0.0
    for _ in range(50):
        stage.put(bytes(10_000), now)
        now = until_empty(stage)[-1][0] + 0.01
    assert now - 0.01 == pytest.approx(5)


def test_a_rest_saves_nothing_up() -> None:
    stage = stage_of(Bandwidth(rate=10))
    stage.put(bytes(100), 0)
    until_empty(stage)
    stage.put(bytes(1000), 60)
    assert stage.due() == pytest.approx(60.1)


def test_who_could_not_send_does_not_catch_up_at_once() -> None:
    stage = stage_of(Bandwidth(rate=10))
    stage.put(bytes(5000), 0)
    assert len(taken(stage, 3)) == 1
    assert stage.due() == pytest.approx(3.05)


def test_it_makes_the_sender_wait() -> None:
    stage = stage_of(Bandwidth(rate=10))
    assert stage.room() == 2000
    stage.put(bytes(2000), 0)
    assert stage.room() == 0


def test_rate_0_stalls() -> None:
    stage = stage_of(Bandwidth())
    stage.put(b"x", 0)
    assert stage.due() == math.inf
    assert stage.take(1e6) is None
    assert stage.release() == [b"x"]


def test_another_rate_counts_at_once() -> None:
    stage = stage_of(Bandwidth())
    stage.put(bytes(1000), 0)
    stage.change(Bandwidth(rate=10), 5)
    [(due, item)] = until_empty(stage)
    assert due == pytest.approx(5.1)
    assert item == bytes(1000)


def test_slices_with_pauses() -> None:
    stage = stage_of(Slicer(average_size=2, delay=1000))
    stage.put(b"abcde", 1)
    stage.put(b"f", 1)
    stage.put(b"", 1)
    assert until_empty(stage) == [
        (1, b"ab"),
        (1.001, b"cd"),
        (pytest.approx(1.002), b"e"),
        (pytest.approx(1.003), b"f"),
        (pytest.approx(1.003), b""),
    ]


def test_slices_vary() -> None:
    stage = stage_of(Slicer(average_size=10, size_variation=4))
    stage.put(bytes(5000), 0)
    sizes = [len(item) for _, item in until_empty(stage) if isinstance(item, bytes)]
    assert {min(sizes[:-1]), max(sizes)} == {6, 14}


def test_a_variation_above_the_average_makes_no_empty_slice() -> None:
    stage = stage_of(Slicer(average_size=1, size_variation=50))
    stage.put(b"x" * 1000, 0)
    assert all(item for _, item in until_empty(stage))


def test_an_average_of_0_slices_nothing() -> None:
    stage = stage_of(Slicer(delay=1000))
    assert stage.room() == CHUNK
    stage.put(bytes(1000), 0)
    assert until_empty(stage) == [(0, bytes(1000))]


def test_very_small_slices_cost_as_little_as_the_piece() -> None:
    stage = stage_of(Slicer(average_size=1))
    stage.put(bytes(CHUNK), 0)
    assert stage.held == cost(bytes(CHUNK))
    assert stage.room() == 0
    assert stage.take(0) == bytes(1)
    assert stage.held == cost(bytes(CHUNK - 1))


def test_what_a_slicer_holds_goes_on_whole() -> None:
    stage = stage_of(Slicer(average_size=1, delay=1e9))
    stage.put(b"abc", 0)
    assert taken(stage, 0) == [b"a"]
    assert stage.release() == [b"bc"]


def test_slices_that_could_not_be_sent_do_not_come_all_at_once() -> None:
    stage = stage_of(Slicer(average_size=1, delay=1e6))
    stage.put(b"abc", 0)
    assert taken(stage, 60) == [b"a"]
    assert stage.due() == pytest.approx(60.95)


def test_another_pause_counts_at_once() -> None:
    stage = stage_of(Slicer(average_size=1, delay=1e9))
    stage.put(b"abc", 0)
    assert taken(stage, 0) == [b"a"]
    stage.change(Slicer(average_size=1, delay=1000), 5)
    assert [due for due, _ in until_empty(stage)] == pytest.approx([5, 5.001])


def test_an_end_of_the_connection_passes_a_slicer() -> None:
    stage = stage_of(Slicer(average_size=1))
    stage.put(Cut("why"), 0)
    assert taken(stage, 0) == [Cut("why")]


@given(
    effect=st.sampled_from([Bandwidth(1), Bandwidth(1000), Slicer(3, 2, 10), Slicer(0, 0, 1)]),
    pieces=st.lists(st.binary(min_size=1, max_size=3000), max_size=10),
)
def test_every_byte_comes_in_order(effect: Bandwidth | Slicer, pieces: list[bytes]) -> None:
    stage = stage_of(effect)
    for piece in pieces:
        stage.put(piece, 1)
    stage.put(b"", 1)
    seen = until_empty(stage)
    assert joined(seen) == b"".join(pieces)
    assert seen[-1][1] == b""
