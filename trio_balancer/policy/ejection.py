"""Ejection: a backend that fails its clients is set aside, whatever its checks say.

What counts are failures in a row: failed dials, and resets before the first byte. Each ejection
is longer than the last one, and a backend that stayed out of trouble for `max_ejection` after
one begins again at the first length. (Envoy's outlier detection, which this follows, counts
down step by step; one rule is easier to foresee.)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection

    from trio_balancer.config.model_health import OutlierConfig


@attrs.define(eq=False)
class Ejection:
    """The failures and ejections of one backend."""

    #: Failures since the last success.
    failures: int = 0
    #: Ejections that lengthen the next one.
    recent: int = 0
    #: All ejections ever.
    total: int = 0
    #: When the present ejection ends (monotonic seconds); None: not ejected.
    until: float | None = None
    reason: str = ""
    _ended_at: float = -math.inf

    def begin(self, config: OutlierConfig, now: float, reason: str) -> None:
        """Set the backend aside; `reason` is what failed last."""
        if now - self._ended_at >= config.max_ejection:
            self.recent = 0
        self.recent += 1
        self.total += 1
        self.until = now + min(config.ejection * self.recent, config.max_ejection)
        failures = "1 failure" if self.failures == 1 else f"{self.failures} failures in a row"
        self.reason = f"ejected after {failures}: {reason}"

    def end(self, now: float) -> None:
        """Let it serve again; the failures that led here are paid for."""
        self.until = None
        self.failures = 0
        self._ended_at = now


def room_for_one_more(ejections: Collection[Ejection], percent: float) -> bool:
    """Whether one more of a pool's backends may be ejected."""
    ejected = sum(ejection.until is not None for ejection in ejections)
    return ejected < most_ejected(len(ejections), percent)


def most_ejected(backends: int, percent: float) -> int:
    """Return how many of so many backends may be ejected at once.

    The percentage rounded down, but at least one of two or more; a lone backend never.
    """
    return 0 if backends == 1 else max(1, math.floor(backends * percent / 100))
