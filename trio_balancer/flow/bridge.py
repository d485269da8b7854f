"""A client stream and a backend stream joined by two `copy` tasks in one nursery."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import trio

from trio_balancer.flow.record import FINISHED, Ending, Phase, Who
from trio_balancer.relay import Outcome, Pair, Sweeper, Sweepers, Way, copy, discard

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from trio_balancer.network.seam import Stream

# How long bytes that a leg delivered before its reset may wait for a peer that neither takes
# them nor sends any itself: our copy of them first, then the kernel's. Short, because the reset
# is news too: together they stay below 50 ms.
RESET_GRACE = 0.01
FLUSH_GRACE = 0.03
# How often the kernel is asked whether the peer has acknowledged what it was given: more seldom
# where that may take long, or a hundred such peers would have the processor to themselves.
FLUSH_POLL = 0.002
SLOW_FLUSH_POLL = 0.025


@attrs.frozen
class Timeouts:
    """The timeouts of a bridge in seconds; `lifetime_end` is a time of trio's clock."""

    idle: float = math.inf
    half_close: float = math.inf
    lifetime_end: float = math.inf

    @property
    def patience(self) -> float:
        """How long a peer may take nothing of what it was sent before the other one's reset."""
        return min(self.idle, self.half_close)


class Copier(Protocol):
    """What moves the bytes of a way: the relay, or filters."""

    def copy(self, way: Way, prefix: bytes = b"") -> Coroutine[Any, Any, Outcome]:
        """Move bytes one way until end-of-file, and pass it on; see `relay.copy.copy`."""
        ...


class Bridge:
    """Joins two streams until both sides have finished or something ends it.

    It does not close the streams: whoever opened them does, by the ending.
    """

    def __init__(
        self,
        client: Stream,
        backend: Stream,
        timeouts: Timeouts,
        sweepers: Sweepers,
        copier: Copier | None = None,
    ) -> None:
        self.pair = Pair(client, backend)
        self._copy = copy if copier is None else copier.copy
        self._half_closed = False
        self._timeouts = timeouts
        self._idle_sweeper = sweepers.get(timeouts.idle)
        self._half_close_sweeper = sweepers.get(timeouts.half_close)
        self.scope: trio.CancelScope
        self._ending: Ending | None = None
        self._flush_grace = FLUSH_GRACE
        self._flush_end = math.inf
        self._released = False

    def start(self, nursery: trio.Nursery, prefix: bytes = b"") -> None:
        """Start to move bytes both ways, the client's `prefix` first.

        The nursery is the connection's own: when it has ended, the bridge has, and `finish` is
        to be called. Cancelling `scope` ends it.
        """
        self.scope = nursery.cancel_scope
        if math.isfinite(self._timeouts.lifetime_end):  # setting one has its price
            self.scope.deadline = self._timeouts.lifetime_end
        self._watch()
        nursery.start_soon(self._carry, self.pair.up, prefix, name="copy to backend")
        nursery.start_soon(self._carry, self.pair.down, name="copy to client")

    async def finish(self) -> Ending:
        """Let the last bytes arrive where that takes its time; return how it ended.

        A reset of one leg is for the caller to pass on: any ending but `FINISHED` means that
        both streams are to be reset.
        """
        self.release()
        ending = self._how_it_ended()
        if self.pair.broken is not None:
            await self._let_arrive(self.pair.other(self.pair.broken))
        elif ending == FINISHED:
            await self._see_off()
        return ending

    def release(self) -> None:
        """Let go of everybody who watches the streams; idempotent."""
        if self._released:
            return
        self._released = True
        for leg in (self.pair.client, self.pair.backend):
            leg.call_on_reset(None)
        _sweep_no_more(self._idle_sweeper, self)
        _sweep_no_more(self._half_close_sweeper, self)

    async def _carry(self, way: Way, prefix: bytes = b"") -> None:
        copying = self._copy(way, prefix)
        del prefix  # which may be long, as the life of a connection may
        outcome = await copying
        if outcome is Outcome.FINISHED:
            self._finished(way)
        elif outcome is Outcome.SOURCE_BROKE:
            self.pair.mark_broken(way.source)
            self.scope.cancel()
        else:
            self.pair.mark_broken(way.sink)
            await self._linger(way)

    def _finished(self, way: Way) -> None:
        """Go on half-closed: the other way has its own, shorter timeout."""
        if self.pair.broken is way.source:
            # Broken while its end-of-file was being passed on: nobody is left to linger for.
            self.scope.cancel()
        self.pair.mark_closed(way.source)
        if not self._half_closed:
            self._half_closed = True
            _sweep_no_more(self._idle_sweeper, self)
            if self._half_close_sweeper is not None:
                self._half_close_sweeper.add(self)

    async def _linger(self, way: Way) -> None:
        """Let the other way pass on what the broken sink delivered before it broke.

        A server may answer and close while the upload goes on: its answer is complete.
        """
        self._be_patient()
        if self.pair.way_from(way.sink).finished:
            self.scope.cancel()
        else:
            self._end_within(self._timeouts.half_close)
            await discard(way)

    def _reset_seen(self, leg: Stream) -> None:
        """Hear of a reset that no `copy` has met, as on a leg that nobody reads."""
        self.pair.mark_broken(leg)
        other = self.pair.other(leg)
        uploading = self.pair.way_from(other).sending or other.has_unread()
        if uploading:
            self._be_patient()
        if self.pair.way_from(leg).finished:
            self.scope.cancel()
        elif uploading or self.pair.way_from(leg).held:
            self._end_within(self._timeouts.half_close)
        else:
            self._end_within(RESET_GRACE)

    def _be_patient(self) -> None:
        """Wait for a peer that is still uploading, its last bytes included, but only once."""
        self._flush_grace = self._timeouts.patience
        self._flush_end = min(self._flush_end, trio.current_time() + self._timeouts.half_close)

    def _end_within(self, seconds: float) -> None:
        end = trio.current_time() + seconds
        self.scope.deadline = min(self._timeouts.lifetime_end, end)

    async def _see_off(self) -> None:
        """Wait for a peer of TLS that may still be sending, though we hear it no more."""
        for leg in (self.pair.client, self.pair.backend):
            if leg.left_below() is not None:
                self._be_patient()
                await self._let_arrive(leg)

    async def _let_arrive(self, leg: Stream) -> None:
        """Let the peer take what it was sent: a reset throws away what is on its way.

        Its own bytes are dropped meanwhile: who is still uploading reads only afterwards.
        """
        async with trio.open_nursery() as nursery:
            self.scope = nursery.cancel_scope
            self.scope.deadline = self._timeouts.lifetime_end
            nursery.start_soon(self._discard, leg, nursery.cancel_scope)
            await self._flush(leg)
            nursery.cancel_scope.cancel()

    async def _discard(self, leg: Stream, scope: trio.CancelScope) -> None:
        below = leg.left_below()
        if below is None:
            over = not await discard(self.pair.way_from(leg))
        else:
            await below.drop_the_rest()
            over = True
        if over:
            scope.cancel()

    async def _flush(self, leg: Stream) -> None:
        """Wait for a peer's acknowledgement, as long as it goes on taking or sending bytes."""
        now = trio.current_time()
        end = max(self._flush_end, now + FLUSH_GRACE)
        with trio.move_on_at(min(end, now + self._timeouts.half_close)):
            state = leg.unsent(), leg.moved()
            give_up = now + self._flush_grace
            pause = FLUSH_POLL if self._flush_grace <= FLUSH_GRACE else SLOW_FLUSH_POLL
            while leg.unsent() and trio.current_time() < give_up:
                await trio.sleep(pause)
                before, state = state, (leg.unsent(), leg.moved())
                if state != before:
                    give_up = trio.current_time() + self._flush_grace

    def _watch(self) -> None:
        for leg in (self.pair.client, self.pair.backend):
            leg.call_on_reset(partial(self._reset_seen, leg))
        if self._idle_sweeper is not None:
            self._idle_sweeper.add(self)

    def progress(self) -> int:
        """Return the bytes moved so far, for the sweeper."""
        return self.pair.progress()

    def expire(self) -> None:
        """End the bridge because nothing moved: the side that was to speak next timed out."""
        if self.pair.broken is None:  # else it was over already, but for its last bytes
            self._ending = Ending(self._silent_side(), Phase.DATA)
        self.scope.cancel()

    def _silent_side(self) -> Who:
        spoke = self.pair.closed_first or self.pair.spoke_last
        return Who.BACKEND_TIMEOUT if spoke is self.pair.client else Who.CLIENT_TIMEOUT

    def _how_it_ended(self) -> Ending:
        if self._ending is not None:
            return self._ending
        if self.pair.broken is not None:
            who = Who.CLIENT if self.pair.broken is self.pair.client else Who.BACKEND
            return Ending(who, Phase.DATA)
        if self.pair.up.finished and self.pair.down.finished:
            return FINISHED
        over = trio.current_time() >= self._timeouts.lifetime_end
        return Ending(Who.POLICY if over else Who.KILLED, Phase.DATA)


def _sweep_no_more(sweeper: Sweeper | None, bridge: Bridge) -> None:
    if sweeper is not None:
        sweeper.discard(bridge)
