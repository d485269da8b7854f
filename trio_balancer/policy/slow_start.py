"""Slow start: a backend that comes up is given its share little by little.

Its caches are cold, and least-connections would otherwise send it everything at once. As in
HAProxy's `slowstart`, the weight grows in a straight line; it begins at a tenth.
"""

from __future__ import annotations

import math

import attrs

FIRST_SHARE = 0.1


@attrs.define(eq=False)
class SlowStart:
    """The ramp of one backend; `duration` is in seconds, 0 for none."""

    duration: float
    #: When the ramp ends (monotonic seconds): long ago, until the backend first comes up.
    end: float = -math.inf

    def begin(self, now: float) -> None:
        """Start the ramp: the backend came up."""
        self.end = now + self.duration

    def configure(self, duration: float, now: float) -> None:
        """Take over another duration; a ramp that is under way ends no later than a new one."""
        self.duration = duration
        self.end = min(self.end, now + duration)

    def factor(self, now: float) -> float:
        """Return what part of its weight the backend has now: 0.1 growing to 1."""
        if now >= self.end or not self.duration:
            return 1.0
        done = 1.0 - (self.end - now) / self.duration
        return FIRST_SHARE + (1.0 - FIRST_SHARE) * max(done, 0.0)
