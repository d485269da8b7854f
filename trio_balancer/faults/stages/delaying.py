"""Stages that let everything arrive, but later."""

from __future__ import annotations

import math
from typing import final

from trio_balancer.config.model_effects import Latency, PacketLoss, SlowClose, Stall
from trio_balancer.faults.stages.stage import MILLISECOND, Cut, Item, Stage

#: Bytes of a TCP segment on Ethernet (RFC 9293: the MTU without 52 bytes of headers).
SEGMENT = 1448
# What Linux waits before it sends a lost segment anew: the first time, at most, and how often.
_FIRST_RETRY = 0.2
_LONGEST_RETRY = 120.0
_RETRIES = 15


@final
class LatencyStage(Stage[Latency]):
    """Counts from the arrival of each piece, so that two latencies add up."""

    def room(self) -> float:
        """Take all there is, as a long line does: the buffer is what bounds it."""
        return math.inf

    def plan(self, item: Item, arrived: float, now: float) -> float:
        """Add the latency of this piece; none overtakes another."""
        del item, now
        jitter = self.effect.jitter
        delay = self.effect.latency
        if jitter:
            delay = max(0.0, delay + self.rng.uniform(-jitter, jitter))
        return max(self.last_due(), arrived + delay * MILLISECOND)


@final
class SlowCloseStage(Stage[SlowClose]):
    """Holds the end-of-file, and nothing else."""

    def plan(self, item: Item, arrived: float, now: float) -> float:
        """Add the delay to an end-of-file."""
        del now
        delay = 0 if item else self.effect.delay
        return max(self.last_due(), arrived + delay * MILLISECOND)


@final
class StallStage(Stage[Stall]):
    """Holds everything until it is over; what it does not take makes the sender wait."""

    _begun = 0.0

    def begin(self, now: float) -> None:
        """Count the duration from now on."""
        self._begun = now

    def plan(self, item: Item, arrived: float, now: float) -> float:
        """Wait for the end of the stall."""
        del item, now
        duration = self.effect.duration * MILLISECOND or math.inf
        return max(arrived, self._begun + duration)


@final
class PacketLossStage(Stage[PacketLoss]):
    """Loses segments of the byte stream, and lets what comes behind one wait for it."""

    _lost_before = False
    _left_of_segment = 0

    def put(self, item: Item, now: float) -> None:
        """Cut what comes into segments: each is lost or not, however the bytes come in."""
        if not item or isinstance(item, Cut):
            self.queue(item, now)
            return
        start = 0
        while start < len(item):
            arrives = now + self._next_segment()
            end = min(len(item), start + self._left_of_segment)
            self.queue(item[start:end], now, max(self.last_due(), arrives))
            self._left_of_segment -= end - start
            start = end

    def room(self) -> float:
        """Take all there is: the sender does not know what is lost."""
        return math.inf

    def _next_segment(self) -> float:
        """Begin the next segment, if the last one is full; return how long it takes to arrive."""
        if self._left_of_segment:
            return 0.0
        self._left_of_segment = SEGMENT
        return self._retries()

    def plan_anew(self, now: float) -> None:
        """Leave what is on its way as it is: it was lost, or not."""

    def _retries(self) -> float:
        """Return how long it takes until a segment has arrived."""
        seconds = 0.0
        for retry in range(_RETRIES):
            if not self._is_lost():
                return seconds
            seconds += min(_FIRST_RETRY * 2**retry, _LONGEST_RETRY)
        return math.inf

    def _is_lost(self) -> bool:
        rate, correlation = self.effect.loss_rate, self.effect.correlation
        chance = rate * (1 - correlation) + self._lost_before * correlation
        self._lost_before = self.rng.random() < chance
        return self._lost_before
