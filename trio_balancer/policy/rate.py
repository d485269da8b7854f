"""A token bucket: so many events in so much time, and a few more at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from trio_balancer.config.model_access import RateLimit

# What is due after a tenth of a second must be there, though no float is a tenth and a clock that
# has run for months is exact to some nanoseconds only. What is taken early is missing later.
_NEARLY_ONE = 0.999


@attrs.define(eq=False)
class TokenBucket:
    """The tokens that were there at the monotonic time `counted_at` (seconds).

    Its limit is given each time: a table of many buckets keeps one.
    """

    tokens: float
    counted_at: float

    def holds(self, limit: RateLimit, now: float) -> float:
        """Return how many tokens there are now, at most the limit's burst."""
        refilled = max(now - self.counted_at, 0.0) * limit.per_second
        return min(self.tokens + refilled, limit.burst)

    def has_token(self, limit: RateLimit, now: float) -> bool:
        """Whether a token can be taken."""
        return self.holds(limit, now) >= _NEARLY_ONE

    def take(self, limit: RateLimit, now: float) -> None:
        """Take a token, which must be there."""
        self.tokens = self.holds(limit, now) - 1
        self.counted_at = max(now, self.counted_at)
