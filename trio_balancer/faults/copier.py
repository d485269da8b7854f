"""Copies the ways of a connection: in the relay while no fault hits them, else through lanes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.config.model_effects import AtConnect
from trio_balancer.config.model_faults import FaultStream
from trio_balancer.faults.lane import Lane
from trio_balancer.faults.stages import make_stage
from trio_balancer.relay import Outcome, copy

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterable

    from trio_balancer.faults.stages import End
    from trio_balancer.faults.subject import Installed
    from trio_balancer.filters import FilterChain
    from trio_balancer.relay import Pair, Relay, Way

    Hits = Callable[[], Iterable[tuple[Installed, random.Random]]]


@final
class FaultyCopier:
    """Takes the place of the relay, or comes between filters and the sinks.

    `hits` tells which faults hit the connection now. A way that has left the relay stays out.
    """

    def __init__(
        self, relay: Relay | None, chain: FilterChain | None, hits: Hits, *, buffer: int, end: End
    ) -> None:
        self._relay = relay
        self._chain = chain
        self._hits = hits
        self._buffer = buffer
        self._end = end
        self._lanes: dict[Way, Lane] = {}
        # Bytes that a sink was given before the first of the way's own.
        self._before: dict[Way, int] = {}
        # Ways that go through their lanes.
        self._carried: set[Way] = set()

    async def copy(self, way: Way, prefix: bytes = b"") -> Outcome:
        """Move bytes one way until end-of-file, and pass it on; see `relay.copy`.

        Where a fault ends the connection, this waits to be cancelled.
        """
        if not self._lanes:
            self._make_lanes(way.pair)
        if self._chain is not None:
            return await self._carry(way, partial(self._chain.copy, way, prefix))
        way.heir = self._copy
        return await self._copy(way, prefix)

    def refresh(self) -> None:
        """Do as the faults say that there are now."""
        for way, lane in self._lanes.items():
            if way in self._carried:
                self._equip(way, lane)
            elif way.leave_relay is not None and self._hits_on(way):
                way.leave_relay()

    def _make_lanes(self, pair: Pair) -> None:
        for way in (pair.up, pair.down):
            self._lanes[way] = Lane(way, self._buffer, self._end)
            self._before[way] = way.sink.sent
        if self._chain is not None:
            self._chain.lead_into(self._lanes[pair.up], self._lanes[pair.down])

    async def _copy(self, way: Way, prefix: bytes) -> Outcome:
        """Copy, in the relay if nothing is against it; a way that leaves it comes here again."""
        lane = self._lanes[way]
        if self._relay is not None and self._relay.moves(way):
            if not self._hits_on(way):
                return await self._relay.copy(way, prefix)
            lane.passed = way.sink.sent - self._before[way]
        return await self._carry(way, partial(copy, way, prefix, lane))

    async def _carry(self, way: Way, move: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Let `move` copy, and the lane send what comes out."""
        lane, outcome = self._lanes[way], Outcome.SINK_BROKE
        self._carried.add(way)
        self._equip(way, lane)
        try:
            async with trio.open_nursery() as nursery:
                lane.start(nursery)
                outcome = await move()
                if outcome is Outcome.SOURCE_BROKE:
                    await lane.empty()  # it had delivered that before
                nursery.cancel_scope.cancel()
        finally:
            self._carried.discard(way)
            lane.close()
        if lane.broke and way.pair.broken is way.source:
            return Outcome.SOURCE_BROKE
        return outcome

    def _equip(self, way: Way, lane: Lane) -> None:
        """Have a stage for each fault that hits the way, and no others."""
        wanted, stages = self._hits_on(way), lane.stages
        # From the last to the first: what one gives up passes none that goes as well.
        for installed in reversed(stages):
            if installed not in wanted:
                lane.remove(installed)
        for installed, rng in wanted.items():
            fault, stage = installed.fault, stages.get(installed)
            if stage is None:
                left = max(0, fault.match.after_bytes - lane.passed)
                lane.insert(installed, make_stage(fault.effect, rng, after_bytes=left))
            elif stage.effect is not fault.effect:
                stage.change(fault.effect, trio.current_time())
        lane.wake()

    def _hits_on(self, way: Way) -> dict[Installed, random.Random]:
        stream = FaultStream.UPSTREAM if way is way.pair.up else FaultStream.DOWNSTREAM
        return {
            installed: rng
            for installed, rng in self._hits()
            if installed.fault.stream is stream
            and not isinstance(installed.fault.effect, AtConnect)
        }
