"""Places for a bounded number of guests, and who must give up a place for a newcomer.

A crowd waits outside, in the queue of the kernel, and is served one after the other. But what
somebody forgot, an idle connection or a stream, must not keep an operator out.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import attrs
import trio

# Seconds between two looks for somebody who may be sent away.
_GLANCE = 0.02


class Guest(Protocol):
    """One who has a place."""

    @property
    def idle_since(self) -> float | None:
        """Since when nothing is done for it, by trio's clock; None while something is."""

    @property
    def is_stream(self) -> bool:
        """Whether it looks on, so that being idle does not mean that it is forgotten."""

    def send_away(self) -> None:
        """End it; it leaves its place soon, and not within this call."""


G = TypeVar("G", bound=Guest)


@attrs.define(eq=False)
class Places(Generic[G]):
    """At most `most` guests; one that was idle for `grace` seconds may be sent away."""

    most: int
    grace: float
    present: list[G] = attrs.Factory(list)
    _sent_away: G | None = None
    _left: trio.Event = attrs.Factory(trio.Event)

    async def make_room(self) -> None:
        """Wait until one more may enter, which it must do before the next checkpoint."""
        while len(self.present) >= self.most:
            self._look_for_room()
            with trio.move_on_after(_GLANCE):
                await self._left.wait()

    def _look_for_room(self) -> None:
        """Send away who has been idle the longest; streams last."""
        if self._sent_away in self.present:
            return  # It is on its way out.
        latest = trio.current_time() - self.grace
        idle = [
            (guest.is_stream, guest.idle_since, number)
            for number, guest in enumerate(self.present)
            if guest.idle_since is not None and guest.idle_since <= latest
        ]
        if idle:
            self._sent_away = self.present[min(idle)[-1]]
            self._sent_away.send_away()

    def enter(self, guest: G) -> None:
        """Give a place to a guest."""
        self.present.append(guest)

    def leave(self, guest: G) -> None:
        """Take its place back."""
        self.present.remove(guest)
        self._left.set()
        self._left = trio.Event()
