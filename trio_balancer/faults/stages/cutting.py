"""Stages that end a connection, or one way of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

from trio_balancer.config.model_effects import HalfClose, LimitData, Reset, ResetPeer, Timeout
from trio_balancer.faults.stages.stage import MILLISECOND, Cut, Item, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable


@final
class LimitDataStage(Stage[LimitData]):
    """Counts bytes, and closes the connection behind the last that is allowed."""

    _passed = 0
    _over = False

    def put(self, item: Item, now: float) -> None:
        """Pass on what is allowed; other attributes do not start the count anew."""
        if self._over or isinstance(item, Cut) or not item:
            if not self._over:
                self.queue(item, now)
            return
        allowed = item[: max(0, self.effect.bytes - self._passed)]
        self._passed += len(allowed)
        if allowed:
            self.queue(allowed, now)
        if self._passed >= self.effect.bytes:
            self._over = True
            self.queue(Cut(f"{self._passed} bytes had passed"), now)


@final
class TimeoutStage(Stage[Timeout]):
    """Drops what comes; closes the connection when nothing has come for a while."""

    _quiet_since = math.inf

    def begin(self, now: float) -> None:
        """Listen from now on."""
        self._quiet_since = now

    def plan_anew(self, now: float) -> None:
        """Count the new timeout from now on."""
        self._quiet_since = now

    def put(self, item: Item, now: float) -> None:
        """Drop it, but for another fault's end of the connection."""
        if isinstance(item, Cut):
            self.queue(item, now)
        else:
            self._quiet_since = now

    def due(self) -> float:
        """Return when it has been quiet for long enough."""
        return min(super().due(), self._times_out_at())

    def take(self, now: float) -> Item | None:
        """Return the end of the connection, once."""
        if now >= self._times_out_at():
            self._quiet_since = math.inf
            return Cut("it timed out")
        return super().take(now)

    def _times_out_at(self) -> float:
        return self._quiet_since + (self.effect.timeout * MILLISECOND or math.inf)

    def release(self) -> Iterable[Item]:
        """Close the connection: bytes may be missing."""
        self.waiting.clear()
        return [Cut("it was taken away, and what it had dropped is missing")]


@final
class ResetPeerStage(Stage[ResetPeer]):
    """Holds everything from the first piece on, until it resets the connection."""

    @property
    def resets_at(self) -> float:
        """Count from when the first has come."""
        timeout = self.effect.timeout * MILLISECOND
        return self.waiting[0].arrived + timeout if self.waiting else math.inf

    def plan(self, item: Item, arrived: float, now: float) -> float:
        """Let nothing go on."""
        del item, arrived, now
        return math.inf


@final
class ResetStage(Stage[Reset]):
    """Resets the connection; until then everything passes."""

    _begun = math.inf

    @property
    def resets_at(self) -> float:
        """Count from the beginning."""
        return self._begun + self.effect.timeout * MILLISECOND

    def begin(self, now: float) -> None:
        """Count the timeout from now on."""
        self._begun = now

    def take(self, now: float) -> Item | None:
        """Pass nothing on any more when the time has come."""
        return None if now >= self.resets_at else super().take(now)


@final
class HalfCloseStage(Stage[HalfClose]):
    """Says that the sender has finished, though it has not; drops what it still sends."""

    _begun = math.inf
    _over = False

    def begin(self, now: float) -> None:
        """Count the delay from now on."""
        self._begun = now

    def put(self, item: Item, now: float) -> None:
        """Pass it on, while that makes sense."""
        self._close_when_due(now)
        if not self._over or isinstance(item, Cut):
            self.queue(item, now)

    def due(self) -> float:
        """Return when to close, too."""
        return super().due() if self._over else min(super().due(), self._closes_at())

    def take(self, now: float) -> Item | None:
        """Return what was there before, then the end-of-file."""
        self._close_when_due(now)
        return super().take(now)

    def _close_when_due(self, now: float) -> None:
        if not self._over and now >= self._closes_at():
            self._over = True
            self.queue(b"", now)

    def _closes_at(self) -> float:
        return self._begun + self.effect.delay * MILLISECOND
