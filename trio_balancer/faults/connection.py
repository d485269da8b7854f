"""The faults of one connection: while it connects, and on both its ways."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.config.model_effects import Delay, Refuse
from trio_balancer.faults.copier import FaultyCopier
from trio_balancer.faults.scope import LISTENERS, POOLS
from trio_balancer.faults.stages.stage import MILLISECOND

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping

    from trio_balancer.faults.scope import Scope
    from trio_balancer.faults.stages import End
    from trio_balancer.faults.subject import Installed, Meetings
    from trio_balancer.filters import FilterChain
    from trio_balancer.relay import Relay
    from trio_balancer.wire.address import SocketAddress


@final
class ConnectionFaults:
    """What faults do to a connection; `FaultBook.open` makes one."""

    def __init__(
        self,
        meetings: Meetings,
        *,
        faults: Mapping[tuple[Scope, str], Installed],
        changed: trio.lowlevel.ParkingLot,
        buffer: int,
        end: End,
        closed: Callable[[ConnectionFaults], object],
    ) -> None:
        self._meetings = meetings
        self._faults = faults
        self._changed = changed
        self._buffer = buffer
        self._end = end
        self._closed = closed
        self._copier: FaultyCopier | None = None

    def close(self) -> None:
        """Be met by no fault any more."""
        self._closed(self)

    async def accept(self, client: SocketAddress) -> str | None:
        """Wait as long as faults on the listener say; return the name of one that refuses.

        `client` is who it is to faults from now on: a header may have told.
        """
        self._meetings.subject.client = client
        return await self._connect(LISTENERS, math.inf)

    async def dial(self, pool: str, backend: str, deadline: float) -> str | None:
        """Wait as long as faults on a pool say; return the name of one that refuses.

        Until `deadline` (trio's clock) at most: a dial that takes longer has no time left then.
        """
        subject = self._meetings.subject
        subject.pool, subject.backend = pool, backend
        return await self._connect(POOLS, deadline)

    async def _connect(self, section: str, deadline: float) -> str | None:
        started = trio.current_time()
        delays: dict[Installed, float] = {}
        while True:
            hits = [hit for hit in self._hits() if hit[0].scope.section == section]
            for installed, _ in hits:
                if isinstance(installed.fault.effect, Refuse):
                    return installed.fault.name
            for installed, rng in hits:
                if isinstance(installed.fault.effect, Delay) and installed not in delays:
                    delays[installed] = _draw(installed.fault.effect, rng)
            end = min(deadline, started + sum(delays.get(installed, 0.0) for installed, _ in hits))
            if trio.current_time() >= end:
                return None
            with trio.move_on_at(end):
                await self._changed.park()

    def through(self, relay: Relay | None, chain: FilterChain | None) -> FaultyCopier:
        """Return what copies a connection that would go through filters, or else the relay."""
        self._copier = FaultyCopier(relay, chain, self._hits, buffer=self._buffer, end=self._end)
        return self._copier

    def refresh(self) -> None:
        """Do as the faults say that there are now."""
        self._meetings.follow(self._faults.values())
        if self._copier is not None:
            self._copier.refresh()

    def _hits(self) -> Iterator[tuple[Installed, random.Random]]:
        for installed in self._faults.values():
            rng = self._meetings.rng_if_hit(installed)
            if rng is not None:
                yield installed, rng


def _draw(delay: Delay, rng: random.Random) -> float:
    """Return seconds."""
    jitter = rng.uniform(-delay.jitter, delay.jitter) if delay.jitter else 0.0
    return max(0.0, delay.delay + jitter) * MILLISECOND
