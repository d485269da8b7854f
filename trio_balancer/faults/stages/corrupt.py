"""A stage that flips bits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

from trio_balancer.config.model_effects import Corrupt
from trio_balancer.faults.stages.stage import Cut, Item, Stage

if TYPE_CHECKING:
    import random

_BITS = range(8)


@final
class CorruptStage(Stage[Corrupt]):
    """Hits bytes by their place in the stream, however they come in, so that a failure replays."""

    def __init__(self, effect: Corrupt, rng: random.Random) -> None:
        super().__init__(effect, rng)
        self._spared = self._draw_gap()

    def change(self, effect: Corrupt, now: float) -> None:
        """Draw anew which byte is the next."""
        super().change(effect, now)
        self._spared = self._draw_gap()

    def put(self, item: Item, now: float) -> None:
        """Flip bits of those bytes that are hit."""
        if isinstance(item, bytes) and self._spared < len(item):
            item = self._corrupt(item)
        elif not isinstance(item, Cut):
            self._spared -= len(item)
        self.queue(item, now)

    def _corrupt(self, item: bytes) -> bytes:
        changed = bytearray(item)
        place = self._spared
        while place < len(item):
            for bit in self.rng.sample(_BITS, self.effect.bits):
                changed[int(place)] ^= 1 << bit
            place += 1 + self._draw_gap()
        self._spared = place - len(item)
        return bytes(changed)

    def _draw_gap(self) -> float:
        """Return how many bytes are spared before the next one: a geometric distribution."""
        probability = self.effect.probability
        if probability in (0, 1):
            return math.inf if probability == 0 else 0
        return math.floor(math.log(1 - self.rng.random()) / math.log1p(-probability))
