"""Fading out: a backend that is drained over a time is given less and less.

The mirror of slow start: its share of new connections goes to the others in a straight line, so
that their caches get warm before they have to bear all of it.
"""

from __future__ import annotations

import attrs

# A weight of 0 would be no candidate at all; the end of the ramp is a drain, which is none.
LAST_SHARE = 0.01


@attrs.frozen
class FadeOut:
    """The ramp of one backend; `duration` is in seconds and above 0, `end` monotonic seconds."""

    duration: float
    end: float

    def factor(self, now: float) -> float:
        """Return what part of its weight the backend has now: 1 falling to almost nothing."""
        return max((self.end - now) / self.duration, LAST_SHARE)
