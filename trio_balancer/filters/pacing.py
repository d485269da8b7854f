"""When bytes may go, so that they keep to a rate."""

from __future__ import annotations

import math
from typing import final

import attrs

_SLICE_TIME = 0.05
_SHARED_SLICE_TIME = 0.01
_SMALLEST_SLICE = 512
_LARGEST_SLICE = 64 * 1024


@final
@attrs.define(eq=False)
class Pacer:
    """A token bucket, kept as the one time at which it was, or will be, empty.

    `rate` is bytes a second (inf: no limit), `burst` how many bytes may go at once after a rest.
    The generic cell rate algorithm (ITU-T I.371) with a price per byte: no tokens to refill, so
    nothing drifts. Who reserves first goes first.
    """

    rate: float
    burst: float
    _empty_at: float = attrs.field(default=-math.inf, init=False)

    def reserve(self, count: int, now: float) -> float:
        """Reserve `count` bytes; returns in how many seconds they may go (0: now)."""
        if self.rate == math.inf:
            return 0.0
        empty_at = max(self._empty_at, now - self.burst / self.rate)
        self._empty_at = empty_at + count / self.rate
        return max(0.0, self._empty_at - now)

    def give_back(self, count: int) -> None:
        """Take back the latest reservation, of `count` bytes that will not go."""
        self._empty_at -= count / self.rate


def slice_size(rate: float, *, shared: bool) -> int:
    """Return how many bytes should go at once, so that nobody waits long for the next.

    About 50 ms worth; of a rate that connections share 10 ms, because they take turns.
    """
    if rate == math.inf:
        return _LARGEST_SLICE
    size = rate * (_SHARED_SLICE_TIME if shared else _SLICE_TIME)
    smallest = _SMALLEST_SLICE if shared else 1
    return int(min(max(size, smallest), _LARGEST_SLICE))


def pacer(rate: float, burst: int | None) -> Pacer:
    """Make a pacer; without a `burst` it is what goes in 50 ms."""
    return Pacer(rate, rate * _SLICE_TIME if burst is None else burst)
