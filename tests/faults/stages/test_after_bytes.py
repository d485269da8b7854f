from __future__ import annotations

import math

from support.stages import stage_of, taken

from trio_balancer.config.model_effects import HalfClose, Latency, Reset, Stall
from trio_balancer.faults.stages import Cut
from trio_balancer.faults.stages.stage import OVERHEAD


def test_the_first_bytes_pass() -> None:
    stage = stage_of(Latency(latency=1000), after_bytes=3)
    stage.put(b"ab", 0)
    stage.put(b"cdef", 0)
    assert stage.held == 6 + 3 * OVERHEAD
    assert stage.room() == 0
    assert taken(stage, 0) == [b"ab", b"c"]
    assert stage.due() == 1
    stage.put(b"g", 0.5)
    assert stage.room() == math.inf
    assert taken(stage, 1) == [b"def"]
    assert taken(stage, 2) == [b"g"]


def test_it_begins_when_the_first_bytes_have_gone_on() -> None:
    stage = stage_of(Reset(timeout=500), after_bytes=3)
    stage.put(b"abc", 1)
    assert stage.resets_at == math.inf
    assert taken(stage, 2) == [b"abc"]
    assert stage.resets_at == 2.5


def test_an_earlier_end_passes() -> None:
    stage = stage_of(Stall(), after_bytes=10)
    stage.put(b"abc", 0)
    stage.put(b"", 0)
    stage.put(Cut("why"), 0)
    assert stage.due() == 0
    assert taken(stage, 0) == [b"abc", b"", Cut("why")]


def test_other_attributes_before_and_after_it_has_begun() -> None:
    stage = stage_of(HalfClose(delay=1000), after_bytes=1)
    other = HalfClose(delay=2000)
    stage.change(other, 0)
    assert stage.effect is other
    stage.put(b"a", 0)
    assert taken(stage, 0) == [b"a"]
    assert stage.due() == 2


def test_released_before_it_has_begun() -> None:
    stage = stage_of(Stall(), after_bytes=3)
    stage.put(b"abcdef", 0)
    stage.put(b"g", 0)
    assert stage.release() == [b"abc", b"def", b"g"]


def test_released_after_it_has_begun() -> None:
    stage = stage_of(Stall(), after_bytes=3)
    stage.put(b"abcdef", 0)
    assert taken(stage, 0) == [b"abc"]
    assert stage.release() == [b"def"]
