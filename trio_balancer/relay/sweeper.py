"""Idle timeouts that cost nothing per chunk: one task compares byte counters now and then."""

from __future__ import annotations

import math
from typing import Protocol

import attrs
import trio

# A connection is looked at this often within its timeout, which is how late it may act.
VISITS_PER_TIMEOUT = 8
# A sweep over very many connections lets other tasks run after this many.
BATCH = 500


class Swept(Protocol):
    """Whatever can be idle."""

    def progress(self) -> int:
        """Return a number that changes with every byte that moves."""
        ...

    def expire(self) -> None:
        """End it: nothing has moved for the whole timeout."""
        ...


@attrs.define(eq=False)
class _Watch:
    progress: int
    since: float


class Sweeper:
    """Expires what made no progress for `timeout` seconds, and up to an eighth more."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._watches: dict[Swept, _Watch] = {}
        self._filled = trio.Event()

    def add(self, swept: Swept) -> None:
        """Begin to watch; the timeout counts from now."""
        self._watches[swept] = _Watch(swept.progress(), trio.current_time())
        self._filled.set()

    def discard(self, swept: Swept) -> None:
        """Stop watching; harmless when it was not watched."""
        self._watches.pop(swept, None)

    async def run(self) -> None:
        """Sweep until cancelled; sleeps for good while there is nothing to watch."""
        interval = self.timeout / VISITS_PER_TIMEOUT
        while True:
            await self._filled.wait()
            tick = trio.current_time() + interval
            await trio.sleep_until(tick)
            await self._sweep(tick)
            if not self._watches:
                self._filled = trio.Event()

    async def _sweep(self, now: float) -> None:
        # The time is the planned one: measured by late wake-ups, eight intervals could
        # fall short of the timeout by a hair and cost a ninth.
        for count, (swept, watch) in enumerate(list(self._watches.items()), start=1):
            self._visit(swept, watch, now)
            if count % BATCH == 0:
                await trio.lowlevel.checkpoint()

    def _visit(self, swept: Swept, watch: _Watch, now: float) -> None:
        if self._watches.get(swept) is not watch:
            return
        progress = swept.progress()
        if progress != watch.progress:
            watch.progress = progress
            watch.since = now
        elif now - watch.since >= self.timeout:
            self.discard(swept)
            swept.expire()


class Sweepers:
    """One sweeper for each timeout in use, started in a nursery of services."""

    def __init__(self, services: trio.Nursery) -> None:
        self._services = services
        self._by_timeout: dict[float, Sweeper] = {}

    def get(self, timeout: float) -> Sweeper | None:
        """Return the sweeper of a timeout in seconds; None for infinity, which never expires."""
        if math.isinf(timeout):
            return None
        sweeper = self._by_timeout.get(timeout)
        if sweeper is None:
            sweeper = self._by_timeout[timeout] = Sweeper(timeout)
            self._services.start_soon(sweeper.run, name=f"sweeper of {timeout:g} s")
        return sweeper
