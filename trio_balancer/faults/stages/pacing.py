"""Stages that let bytes trickle."""

from __future__ import annotations

import math
from typing import final

import attrs

from trio_balancer.config.model_effects import Bandwidth, Slicer
from trio_balancer.faults.stages.stage import CHUNK, Cut, EffectT, Item, Stage, cost

_KILOBYTE = 1000
_MICROSECOND = 1e-6
# Seconds worth of bytes that go at once: at a tenth of a second, people see no steps.
_STEP = 0.1
# Who comes so soon after the bytes before is still part of one flow, whose rate is kept exactly.
_SAME_FLOW = 0.05


class _TrickleStage(Stage[EffectT]):
    """Lets the first piece that waits go bit by bit."""

    def take_off(self, most: int) -> Item:
        """Return so many bytes of it, or what has none."""
        head = self.waiting.popleft()
        self._held -= cost(head.item)
        if isinstance(head.item, Cut):
            return head.item
        rest = head.item[most:]
        if rest:
            self.waiting.appendleft(attrs.evolve(head, item=rest))
            self._held += cost(rest)
        return head.item[:most]


@final
class BandwidthStage(_TrickleStage[Bandwidth]):
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
        item = self.take_off(self._step())
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
class SlicerStage(_TrickleStage[Slicer]):
    """Cuts pieces into slices, with a pause behind each.

    It cuts as they go: there may be very many in a piece.
    """

    #: When the next slice may go.
    _free_at = -math.inf

    def take(self, now: float) -> Item | None:
        """Return the next slice, or what has no bytes."""
        due = self.due()
        if now < due:
            return None
        item = self.take_off(self._draw_size())
        if item and not isinstance(item, Cut):
            pause = self.effect.delay * _MICROSECOND
            self._free_at = max(due, now - _SAME_FLOW) + pause
        return item

    def due(self) -> float:
        """Return when the pause behind the slice before is over; an end-of-file waits for none."""
        if not self.waiting:
            return math.inf
        head = self.waiting[0]
        return max(head.arrived, self._free_at) if head.item else head.arrived

    def plan_anew(self, now: float) -> None:
        """Go on at once, with the new sizes and pauses."""
        self._free_at = now

    def _draw_size(self) -> int:
        average, variation = self.effect.average_size, self.effect.size_variation
        if not average:
            return CHUNK
        return max(1, average + self.rng.randint(-variation, variation))
