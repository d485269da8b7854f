"""Stages that let bytes trickle."""

from __future__ import annotations

import math
from typing import final

import attrs

from trio_balancer.config.model_effects import Bandwidth, Slicer
from trio_balancer.faults.stages.stage import CHUNK, Cut, Item, Stage, cost

_KILOBYTE = 1000
_MICROSECOND = 1e-6
# Seconds worth of bytes that go at once: at a tenth of a second, people see no steps.
_STEP = 0.1
# Who comes so soon after the bytes before is still part of one flow, whose rate is kept exactly.
_SAME_FLOW = 0.05
_SLICES = 64


@final
class BandwidthStage(Stage[Bandwidth]):
    """Each piece takes as long as its bytes take at the rate; the sender waits meanwhile."""

    #: When the next bytes may go; once they have, when those before had gone, by the rate.
    _due = -math.inf

    def put(self, item: Item, now: float) -> None:
        """Take it in; it goes in steps, so that something comes out now and then."""
        is_next = not self.waiting
        self.queue(item, now, math.inf)
        if is_next:
            self._schedule(self._due if now - self._due <= _SAME_FLOW else now)

    def take(self, now: float) -> Item | None:
        """Return the next step, or what has no bytes."""
        if not self.waiting or now < self._due:
            return None
        head = self.waiting.popleft()
        item, rest = head.item, b""
        if not isinstance(item, Cut):
            item, rest = item[: self._step()], item[self._step() :]
        self._held -= cost(head.item)
        if rest:
            self._held += cost(rest)
            self.waiting.appendleft(attrs.evolve(head, item=rest))
        self._schedule(max(self._due, now - _SAME_FLOW))
        return item

    def due(self) -> float:
        """Return when the next step may go."""
        return self._due if self.waiting else math.inf

    def plan_anew(self, now: float) -> None:
        """Begin afresh, at the new rate."""
        self._schedule(now)

    def room(self) -> float:
        """Hold two steps at most: one that goes, and one that is ready."""
        return max(0, 2 * self._step() - self.held)

    def _schedule(self, start: float) -> None:
        """Find out when the next bytes have had their time, which begins at `start`."""
        item = self.waiting[0].item if self.waiting else b""
        size = 0 if isinstance(item, Cut) else min(self._step(), len(item))
        rate = self.effect.rate * _KILOBYTE
        if size:
            self._due = start + size / rate if rate else math.inf
        else:
            self._due = start

    def _step(self) -> int:
        return max(1, min(CHUNK, int(self.effect.rate * _KILOBYTE * _STEP)))


@final
class SlicerStage(Stage[Slicer]):
    """Cuts pieces into slices, with a pause behind each."""

    #: When the next slice may go.
    _free_at = -math.inf

    def put(self, item: Item, now: float) -> None:
        """Draw the size of each slice."""
        if isinstance(item, Cut) or not item:
            self.queue(item, now)
            return
        start = 0
        while start < len(item):
            end = start + self._draw_size(len(item))
            self.queue(item[start:end], now)
            start = end

    def plan(self, item: Item, arrived: float, now: float) -> float:
        """Wait for the pause behind the slice before."""
        due = max(arrived, self.last_due(), self._free_at if item else -math.inf)
        if item and not isinstance(item, Cut):
            self._free_at = due + self.effect.delay * _MICROSECOND
        del now
        return due

    def plan_anew(self, now: float) -> None:
        """Go on at the new pace, with what is cut already."""
        self._free_at = now
        super().plan_anew(now)

    def room(self) -> float:
        """Take only some slices at a time: there may be very many in a chunk."""
        most = self.effect.average_size * _SLICES or CHUNK
        return 0 if self.waiting else min(CHUNK, most)

    def _draw_size(self, whole: int) -> int:
        average, variation = self.effect.average_size, self.effect.size_variation
        if not average:
            return whole
        return max(1, average + self.rng.randint(-variation, variation))
