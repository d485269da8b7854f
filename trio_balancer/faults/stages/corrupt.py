"""A stage that flips bits.

What is to be flipped is drawn for a whole block of the stream at once. Byte by byte it would take
so long, where most bytes are hit, that all other connections had to wait.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, final

from trio_balancer.config.model_effects import Corrupt
from trio_balancer.faults.stages.stage import Cut, Item, Stage

if TYPE_CHECKING:
    import random

_BLOCK = 4096
_BITS = range(8)
_VALUES = 256
_HIT = 255


@final
class CorruptStage(Stage[Corrupt]):
    """Hits bytes by their place in the stream, however they come in, so that a failure replays."""

    #: For each of the next bytes the bits to flip, as far as they are drawn.
    _flips = b""

    def change(self, effect: Corrupt, now: float) -> None:
        """Draw anew what happens to the next bytes."""
        super().change(effect, now)
        self._flips = b""

    def put(self, item: Item, now: float) -> None:
        """Flip bits of those bytes that are hit."""
        self.queue(item if isinstance(item, Cut) else self._corrupt(item), now)

    def _corrupt(self, item: bytes) -> bytes:
        while len(self._flips) < len(item):
            self._flips += _draw_flips(self.effect, self.rng)
        flips, self._flips = self._flips[: len(item)], self._flips[len(item) :]
        return _as_bytes(_as_number(item) ^ _as_number(flips), len(item))


def _draw_flips(effect: Corrupt, rng: random.Random) -> bytes:
    flips = rng.randbytes(_BLOCK).translate(_choices(effect.bits))
    hits = _draw_hits(effect.probability, rng)
    return _as_bytes(_as_number(flips) & _as_number(hits), _BLOCK)


def _draw_hits(probability: float, rng: random.Random) -> bytes:
    """Return all ones for each byte that is hit, and zero for the others.

    A random byte below `edge` is a hit. That is as exact as a 256th; where one is equal to it,
    another draw decides.
    """
    edge = int(probability * _VALUES)
    rest = probability * _VALUES - edge
    draws = rng.randbytes(_BLOCK)
    hits = bytearray(draws.translate(bytes(_HIT * (value < edge) for value in range(_VALUES))))
    place = draws.find(edge) if rest else -1
    while place >= 0:
        hits[place] = _HIT * (rng.random() < rest)
        place = draws.find(edge, place + 1)
    return bytes(hits)


@cache
def _choices(bits: int) -> bytes:
    """Return which bits to flip for each value of a random byte: each choice as often, nearly."""
    choices = [sum(1 << bit for bit in chosen) for chosen in combinations(_BITS, bits)]
    return bytes(choices[value * len(choices) // _VALUES] for value in range(_VALUES))


def _as_number(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _as_bytes(number: int, size: int) -> bytes:
    return number.to_bytes(size, "little")
