"""The way between a balancer under test and one address, and what is done to it on purpose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import attrs
import trio

if TYPE_CHECKING:
    from trio_balancer.testing.watched_stream import WatchedStream
    from trio_balancer.wire.address import SocketAddress

#: Pieces a second that a limited rate is cut into.
PIECES_PER_SECOND = 20


@attrs.frozen(eq=False)
class Condition:
    """One thing that is done to a link; several at a time add up.

    `latency` is in seconds, `rate` in bytes a second each way.
    """

    #: Dials are refused, and live connections are reset when it begins.
    refuses: bool = False
    #: No byte and no end-of-file arrives, in either direction.
    stalls: bool = False
    #: Not even a dial, a close or a reset arrives.
    unreachable: bool = False
    latency: float = 0.0
    rate: float = math.inf


@final
class Link:
    """What the streams between us and one address have in common.

    `target` is where dials go instead of the address, once it was retargeted.
    """

    def __init__(self) -> None:
        self.target: SocketAddress | None = None
        #: A dict for its order: a set's would differ from run to run.
        self.streams: dict[WatchedStream, None] = {}
        self._conditions: list[Condition] = []
        self._changed = trio.lowlevel.ParkingLot()
        self._find()

    def _find(self) -> None:
        """Add the conditions up; streams ask for the sum with every chunk."""
        conditions = self._conditions
        self.refuses = any(each.refuses for each in conditions)
        self.stalls = any(each.stalls for each in conditions)
        self.unreachable = any(each.unreachable for each in conditions)
        self.latency = math.fsum(each.latency for each in conditions)
        self.rate = min((each.rate for each in conditions), default=math.inf)

    @property
    def piece(self) -> int:
        """Bytes to move at a time, so that a low rate is a trickle rather than a gush."""
        return max(1, int(min(self.rate / PIECES_PER_SECOND, 1 << 30)))

    def impose(self, condition: Condition) -> None:
        """Begin with a condition, at once."""
        self._conditions.append(condition)
        self._settle()
        if condition.refuses:
            for stream in list(self.streams):
                stream.kill()

    def lift(self, condition: Condition) -> None:
        """End a condition, at once: whoever waits because of it goes on."""
        self._conditions.remove(condition)
        self._settle()

    def _settle(self) -> None:
        self._find()
        self.wake()
        for stream in list(self.streams):
            stream.link_changed()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._changed.unpark_all()

    async def wait_change(self, until: float = math.inf) -> None:
        """Wait until something changes, or until a time of trio's clock."""
        with trio.move_on_at(until):
            await self._changed.park()

    async def wait_reachable(self) -> None:
        """Wait until a dial would arrive."""
        while self.unreachable:
            await self.wait_change()
