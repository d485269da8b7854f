"""Drive a stage by hand, at times of our own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from trio_balancer.faults.stages import Item, Stage, make_stage

if TYPE_CHECKING:
    from trio_balancer.config.model_effects import Effect


def stage_of(effect: Effect, *, seed: int = 1, after_bytes: int = 0) -> Stage[Any]:
    """Make a stage that begins at 0."""
    stage = make_stage(effect, random.Random(seed), after_bytes=after_bytes)
    stage.begin(0)
    return stage


def taken(stage: Stage[Any], now: float) -> list[Item]:
    """Take all that may go by now."""
    items = []
    while (item := stage.take(now)) is not None:
        items.append(item)
    return items


def until_empty(stage: Stage[Any]) -> list[tuple[float, Item]]:
    """Let time pass until nothing is due any more; returns what came when."""
    seen = []
    while (now := stage.due()) < 1e9:
        items = taken(stage, now)
        assert items, "what is due must come"
        seen += [(now, item) for item in items]
    return seen


def joined(items: list[tuple[float, Item]]) -> bytes:
    """Join the bytes."""
    return b"".join(item for _, item in items if isinstance(item, bytes))
