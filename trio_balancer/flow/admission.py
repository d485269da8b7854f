"""Limits: a connection holds one token of its listener and one of the whole balancer."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio


@attrs.define(eq=False)
class Admission:
    """The tokens of one connection, taken in order and given back together.

    The listener's own limiter comes first: with the global one first, a full listener would
    collect global tokens that it cannot use and starve the others.
    """

    limiters: Sequence[trio.CapacityLimiter]
    held: int = 0

    async def take(self) -> None:
        """Wait for the tokens that are missing."""
        for limiter in self.limiters[self.held :]:
            await limiter.acquire_on_behalf_of(self)
            self.held += 1

    def take_nowait(self) -> bool:
        """Take the tokens if they are free now; all or none."""
        try:
            for limiter in self.limiters[self.held :]:
                limiter.acquire_on_behalf_of_nowait(self)
                self.held += 1
        except trio.WouldBlock:
            self.give_back()
            return False
        return True

    def give_back(self) -> None:
        """Give back what is held; harmless when nothing is."""
        while self.held:
            self.held -= 1
            self.limiters[self.held].release_on_behalf_of(self)
