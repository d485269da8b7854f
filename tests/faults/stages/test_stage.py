from __future__ import annotations

import math

from support.stages import stage_of, taken

from trio_balancer.config.model_effects import Noop
from trio_balancer.faults.stages.stage import CHUNK, OVERHEAD, Cut


def test_everything_passes_at_once_and_in_order() -> None:
    stage = stage_of(Noop())
    stage.put(b"one", 1)
    stage.put(b"", 1)
    assert stage.due() == 1
    assert taken(stage, 1) == [b"one", b""]
    assert stage.due() == math.inf
    assert stage.resets_at == math.inf


def test_nothing_comes_before_its_time() -> None:
    stage = stage_of(Noop())
    stage.put(b"one", 2)
    assert stage.take(1.9) is None


def test_what_waits_is_counted_with_what_it_costs() -> None:
    stage = stage_of(Noop())
    assert stage.room() == CHUNK
    stage.put(b"12345", 0)
    stage.put(Cut("why"), 0)
    assert stage.held == 5 + 2 * OVERHEAD
    assert stage.room() == 0
    stage.take(0)
    assert stage.held == OVERHEAD
    stage.take(0)
    assert stage.held == 0


def test_released_in_order() -> None:
    stage = stage_of(Noop())
    stage.put(b"one", 0)
    stage.put(b"two", 0)
    assert stage.release() == [b"one", b"two"]
    assert stage.held == 0
    assert stage.take(0) is None


def test_changed_it_goes_on() -> None:
    stage = stage_of(Noop())
    stage.put(b"one", 0)
    stage.change(Noop(), 3)
    assert taken(stage, 3) == [b"one"]
