"""What became of the reloads up to now."""

from __future__ import annotations

import attrs


@attrs.define(eq=False)
class ReloadHistory:
    """Reloads that were tried: `failed` of `count`; `last_at` is Unix seconds, None before any."""

    count: int = 0
    failed: int = 0
    last_error: str | None = None
    last_at: float | None = None

    def succeeded(self, wall: float) -> None:
        """Note a reload that took effect."""
        self.count += 1
        self.last_error = None
        self.last_at = wall

    def gave_up(self, wall: float, error: str) -> None:
        """Note a reload that changed nothing, and why."""
        self.count += 1
        self.failed += 1
        self.last_error = error
        self.last_at = wall
