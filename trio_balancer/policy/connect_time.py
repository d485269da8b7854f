"""How long a backend takes to connect: the estimate behind the peak-ewma selector.

The method is that of Finagle and Linkerd ("peak EWMA"): a sample above the estimate replaces
it at once, lower ones are averaged in by their age, and with no samples at all the estimate
sinks, so that a backend that was slow is tried again.
"""

from __future__ import annotations

import math

import attrs

#: How fast the past is forgotten (seconds).
TAU = 10.0
#: The estimate before the first sample (seconds), which is Linkerd's.
DEFAULT = 0.030
#: What a failed dial counts as, at least (seconds): to be refused is quick, not good.
PENALTY = 5.0
#: The estimate never sinks below this (seconds): at 0, a load of 1 and of 1000 would cost alike.
FLOOR = 0.0001


@attrs.define(eq=False)
class ConnectTime:
    """An exponentially weighted moving average of connect times (seconds) that keeps peaks."""

    updated_at: float
    estimate: float = DEFAULT

    def at(self, now: float) -> float:
        """Return the estimate, sunk since the last sample."""
        return max(self.estimate * self._kept(now), FLOOR)

    def succeeded(self, seconds: float, now: float) -> None:
        """Take in how long a dial took."""
        kept = self._kept(now)
        sunk = self.estimate * kept
        self.estimate = seconds if seconds > sunk else sunk + seconds * (1.0 - kept)
        self.updated_at = now

    def failed(self, seconds: float, now: float) -> None:
        """Take in a dial that failed after so many seconds."""
        self.succeeded(max(seconds, PENALTY), now)

    def _kept(self, now: float) -> float:
        return math.exp((self.updated_at - now) / TAU) if now > self.updated_at else 1.0
