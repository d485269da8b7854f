"""What happens later in an in-memory network: calls at times of trio's clock, in one order."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class Courier:
    """Calls functions when they are due; those of the same time in the order they were given.

    It has a task while calls are to come, and that one ends with the trio run at the latest. The
    functions are synchronous and must not raise.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._running = False
        self._sooner = trio.lowlevel.ParkingLot()

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        """Call at `when`, or soon where that has passed; never at once."""
        heappush(self._calls, (when, next(self._numbers), call))
        if self._running:
            self._sooner.unpark_all()
        else:
            self._running = True
            # Not in anybody's nursery: bytes travel on when their sender's task has ended.
            trio.lowlevel.spawn_system_task(self._run)

    async def _run(self) -> None:
        try:
            while self._calls:
                with trio.move_on_at(self._calls[0][0]):
                    await self._sooner.park()
                self._call_due()
        finally:
            self._running = False
            self._calls.clear()

    def _call_due(self) -> None:
        now = trio.current_time()
        while self._calls and self._calls[0][0] <= now:
            heappop(self._calls)[2]()
