from __future__ import annotations

import math

from support.stages import stage_of, taken

from trio_balancer.config.model_effects import HalfClose, LimitData, Reset, ResetPeer, Timeout
from trio_balancer.faults.stages import Cut

OTHER = Cut("another fault's")


def test_limit_data_lets_so_many_bytes_pass() -> None:
    stage = stage_of(LimitData(bytes=5))
    stage.put(b"abc", 0)
    assert taken(stage, 0) == [b"abc"]
    stage.put(b"defg", 0)
    stage.put(b"more", 0)
    stage.put(b"", 0)
    assert taken(stage, 0) == [b"de", Cut("5 bytes had passed")]


def test_limit_data_closes_with_the_last_byte_that_is_allowed() -> None:
    stage = stage_of(LimitData(bytes=3))
    stage.put(b"abc", 0)
    assert taken(stage, 0) == [b"abc", Cut("3 bytes had passed")]


def test_limit_data_passes_an_end_below_it() -> None:
    stage = stage_of(LimitData(bytes=3))
    stage.put(b"", 0)
    stage.put(OTHER, 0)
    assert taken(stage, 0) == [b"", OTHER]


def test_limit_data_keeps_its_count_when_it_is_changed() -> None:
    stage = stage_of(LimitData(bytes=100))
    stage.put(b"abc", 0)
    stage.change(LimitData(bytes=2), 0)
    stage.put(b"d", 0)
    assert taken(stage, 0) == [b"abc", Cut("3 bytes had passed")]


def test_timeout_drops_and_closes_when_it_is_quiet() -> None:
    stage = stage_of(Timeout(timeout=500))
    stage.put(b"abc", 0.4)
    assert stage.due() == 0.9
    assert taken(stage, 0.8) == []
    assert taken(stage, 0.9) == [Cut("it timed out")]
    assert stage.due() == math.inf


def test_timeout_of_0_is_a_black_hole() -> None:
    stage = stage_of(Timeout())
    stage.put(b"abc", 0.4)
    stage.put(b"", 0.4)
    assert stage.due() == math.inf
    assert stage.held == 0


def test_timeout_passes_an_end_of_the_connection() -> None:
    stage = stage_of(Timeout())
    stage.put(OTHER, 1)
    assert stage.due() == 1
    assert len(taken(stage, 1)) == 1


def test_timeout_that_is_changed_counts_anew() -> None:
    stage = stage_of(Timeout())
    stage.change(Timeout(timeout=500), 3)
    assert stage.due() == 3.5


def test_timeout_that_is_taken_away_closes() -> None:
    stage = stage_of(Timeout())
    assert [type(item) for item in stage.release()] == [Cut]


def test_reset_peer_waits_for_the_first_piece() -> None:
    stage = stage_of(ResetPeer(timeout=100))
    assert stage.resets_at == math.inf
    stage.put(b"abc", 5)
    assert stage.resets_at == 5.1
    assert stage.take(5) is None
    assert stage.room() == 0


def test_reset_peer_that_is_taken_away_has_lost_nothing() -> None:
    stage = stage_of(ResetPeer(timeout=100))
    stage.put(b"abc", 5)
    assert stage.release() == [b"abc"]
    assert stage.resets_at == math.inf


def test_reset_peer_that_is_changed_counts_from_the_same_piece() -> None:
    stage = stage_of(ResetPeer(timeout=100))
    stage.put(b"abc", 5)
    stage.change(ResetPeer(timeout=1000), 5.05)
    assert stage.resets_at == 6


def test_reset_comes_whether_or_not_anything_does() -> None:
    stage = stage_of(Reset())
    assert stage.resets_at == 0
    stage.put(b"abc", 0)
    assert stage.take(0) is None


def test_until_the_reset_everything_passes() -> None:
    stage = stage_of(Reset(timeout=1000))
    stage.put(b"abc", 0.5)
    assert taken(stage, 0.5) == [b"abc"]
    stage.change(Reset(timeout=2000), 0.6)
    assert stage.resets_at == 2


def test_half_close_at_once() -> None:
    stage = stage_of(HalfClose())
    assert stage.due() == 0
    assert taken(stage, 0) == [b""]
    stage.put(b"abc", 1)
    stage.put(b"", 1)
    assert taken(stage, 1) == []
    assert stage.due() == math.inf


def test_half_close_comes_behind_what_was_there_before() -> None:
    stage = stage_of(HalfClose(delay=1000))
    stage.put(b"abc", 0.9)
    assert stage.due() == 0.9
    stage.put(b"late", 1)
    assert taken(stage, 1) == [b"abc", b""]


def test_half_close_passes_an_end_of_the_connection() -> None:
    stage = stage_of(HalfClose())
    assert taken(stage, 0) == [b""]
    stage.put(OTHER, 1)
    assert taken(stage, 1) == [OTHER]


def test_half_close_that_is_changed_counts_from_the_same_beginning() -> None:
    stage = stage_of(HalfClose(delay=1000))
    stage.change(HalfClose(delay=3000), 0.5)
    assert stage.due() == 3
