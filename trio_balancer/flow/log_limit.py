"""At most one line a second of each kind, so that a flood of clients is no flood of lines."""

from __future__ import annotations

import attrs

INTERVAL = 1.0


@attrs.define
class _Kind:
    told_at: float
    suppressed: int = 0


class LineLimiter:
    """Says which lines may be written; kinds are few, and never made from what a peer sent."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        #: Lines that were not let through since the start.
        self.suppressed = 0

    def admit(self, kind: str, now: float) -> int | None:
        """Return how many lines were suppressed before this one; None: suppress this one too.

        `now` is in seconds. Where it went back, because someone set the clock, the line passes.
        """
        known = self._kinds.get(kind)
        if known is not None and 0 <= now - known.told_at < INTERVAL:
            known.suppressed += 1
            self.suppressed += 1
            return None
        self._kinds[kind] = _Kind(told_at=now)
        return 0 if known is None else known.suppressed
