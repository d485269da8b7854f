from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stages import joined, stage_of, taken, until_empty

from trio_balancer.config.model_effects import Effect, Latency, PacketLoss, SlowClose, Stall
from trio_balancer.faults.stages import CHUNK, Cut
from trio_balancer.faults.stages.delaying import SEGMENT


def test_latency_counts_from_arrival() -> None:
    stage = stage_of(Latency(latency=100))
    stage.put(b"one", 1)
    stage.put(b"two", 1.05)
    stage.put(b"", 2)
    assert until_empty(stage) == [(1.1, b"one"), (pytest.approx(1.15), b"two"), (2.1, b"")]


def test_latency_takes_in_what_comes() -> None:
    stage = stage_of(Latency(latency=100))
    stage.put(bytes(CHUNK), 0)
    assert stage.room() == math.inf


def test_jitter_is_around_the_latency_and_overtakes_nobody() -> None:
    stage = stage_of(Latency(latency=100, jitter=50))
    for number in range(200):
        stage.put(bytes([number]), number)
    delays = [due - item[0] for due, item in until_empty(stage) if isinstance(item, bytes)]
    assert min(delays) == pytest.approx(0.05, abs=0.005)
    assert max(delays) == pytest.approx(0.15, abs=0.005)
    stage.put(b"a", 0)
    stage.put(b"b", 0)
    assert joined(until_empty(stage)) == b"ab"


def test_jitter_above_the_latency_is_no_time_travel() -> None:
    stage = stage_of(Latency(latency=1, jitter=1000))
    for _ in range(50):
        stage.put(b"x", 5)
    assert until_empty(stage)[0][0] >= 5


def test_another_latency_counts_for_what_waits() -> None:
    stage = stage_of(Latency(latency=10_000))
    stage.put(b"one", 1)
    stage.change(Latency(latency=500), 1.2)
    assert until_empty(stage) == [(1.5, b"one")]


def test_slow_close_delays_nothing_but_the_end() -> None:
    stage = stage_of(SlowClose(delay=3000))
    stage.put(b"one", 1)
    stage.put(b"", 1)
    assert until_empty(stage) == [(1, b"one"), (4, b"")]


def test_stall_for_good() -> None:
    stage = stage_of(Stall())
    stage.put(b"one", 1)
    assert stage.due() == math.inf
    assert stage.room() == 0
    assert stage.release() == [b"one"]


def test_stall_for_a_while() -> None:
    stage = stage_of(Stall(duration=2000))
    stage.put(b"one", 1)
    assert taken(stage, 1.9) == []
    stage.put(b"two", 3)
    assert until_empty(stage) == [(2, b"one"), (3, b"two")]


def test_no_loss_no_delay() -> None:
    stage = stage_of(PacketLoss(loss_rate=0))
    stage.put(bytes(10 * SEGMENT), 1)
    stage.put(b"", 1)
    assert stage.room() == math.inf
    assert {due for due, _ in until_empty(stage)} == {1}


def test_all_is_lost() -> None:
    stage = stage_of(PacketLoss(loss_rate=1))
    stage.put(b"one", 1)
    stage.put(Cut("why"), 1)
    assert stage.due() == math.inf


def test_a_lost_segment_is_sent_anew_after_200_ms_then_400() -> None:
    stage = stage_of(PacketLoss(loss_rate=0.5))
    delays = set()
    for number in range(200):
        stage.put(bytes(SEGMENT), number * 1000)
        [(due, _)] = until_empty(stage)
        delays.add(round(due - number * 1000, 3))
    expected = {round(0.2 * (2**times - 1), 3) for times in range(10)}
    assert {delay for delay in delays if delay < 100} <= expected
    assert {0, 0.2, 0.6, 1.4, 3.0} <= delays


def test_tcp_waits_two_minutes_at_most_and_then_gives_up() -> None:
    stage = stage_of(PacketLoss(loss_rate=0.97), seed=2)
    delays = set()
    for number in range(300):
        stage.put(bytes(SEGMENT), number * 10_000)
        delays.add(round(stage.due() - number * 10_000, 3))
        stage.release()
    finite = sorted(delays - {math.inf})
    assert math.inf in delays
    assert max(b - a for a, b in pairwise(finite)) == pytest.approx(120)


def test_what_comes_behind_a_lost_segment_waits_for_it() -> None:
    stage = stage_of(PacketLoss(loss_rate=0.3))
    data = bytes(range(256)) * 100
    stage.put(data, 0)
    seen = until_empty(stage)
    assert joined(seen) == data
    assert [due for due, _ in seen] == sorted(due for due, _ in seen)


def test_correlated_losses_come_together() -> None:
    def losses(correlation: float) -> list[bool]:
        stage = stage_of(PacketLoss(loss_rate=0.1, correlation=correlation), seed=5)
        lost = []
        for number in range(2000):
            stage.put(bytes(SEGMENT), number * 10_000)
            lost.append(stage.due() > number * 10_000)
            stage.release()
        return lost

    assert sum(losses(0.0)) == pytest.approx(200, rel=0.25)
    # One that was lost is lost again with 0.91, so it takes much longer to arrive.
    assert sum(losses(0.9)) < sum(losses(0.0))


def test_which_segments_are_lost_does_not_depend_on_how_bytes_come_in() -> None:
    def dues(*pieces: int) -> set[float]:
        stage = stage_of(PacketLoss(loss_rate=0.5), seed=3)
        for size in pieces:
            stage.put(bytes(size), 0)
        return {due for due, _ in until_empty(stage)}

    whole = dues(4 * SEGMENT)
    assert whole == dues(100, SEGMENT, 2 * SEGMENT, SEGMENT - 100)
    assert whole == dues(*[1] * (4 * SEGMENT))


def test_another_loss_rate_leaves_what_was_lost() -> None:
    stage = stage_of(PacketLoss(loss_rate=1))
    stage.put(b"one", 0)
    stage.change(PacketLoss(loss_rate=0), 1)
    assert stage.due() == math.inf


@given(
    effect=st.sampled_from(
        [Latency(10, 5), SlowClose(10), Stall(10), PacketLoss(0.2, 0.1), PacketLoss(0.9)]
    ),
    pieces=st.lists(st.binary(min_size=1, max_size=4000), max_size=10),
)
def test_every_byte_comes_in_order(effect: Effect, pieces: list[bytes]) -> None:
    stage = stage_of(effect)
    for piece in (*pieces, b""):
        stage.put(piece, 1)
    items = [(0.0, item) for item in [*taken(stage, 1.005), *stage.release()]]
    assert joined(items) == b"".join(pieces)
    assert items[-1][1] == b""
