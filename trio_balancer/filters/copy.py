"""`copy` with filters between source and sink; see `relay/copy.py` for the one without."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.filters.lane import NOTHING, Event, Lane, News
from trio_balancer.relay.way import Outcome

if TYPE_CHECKING:
    from trio_balancer.relay.way import Way

# How long what filters hold of a broken source may take to get to the sink.
_LAST_WORDS = 0.05


async def filtered_copy(way: Way, lane: Lane, back: Lane, prefix: bytes = b"") -> Outcome:
    """Copy from the way's source through `lane` to its sink; `back` leads to the source.

    The contract of `relay.copy`: one chunk in memory (and what filters hold), an end-of-file is
    passed on after every byte unless the pair broke, and a broken leg is told by the outcome.
    Raises FilterError, HoldFullError or OverError because of a filter.
    """
    return await _FilteredCopy(way, lane, back).run(prefix)


@final
class _FilteredCopy:
    def __init__(self, way: Way, lane: Lane, back: Lane) -> None:
        self._way = way
        self._lane = lane
        self._back = back
        # Since when the source is quiet, and the pauses that nobody was told of since then.
        self._quiet_since = 0.0
        self._pauses: list[float] = []

    async def run(self, prefix: bytes) -> Outcome:
        if not await self._begin(prefix):
            return Outcome.SINK_BROKE
        while True:
            try:
                news = await self._listen()
            except trio.BrokenResourceError:
                return await self._break_off(Outcome.SOURCE_BROKE)
            if news.event is Event.FINISHED and self._way.pair.broken is not None:
                return await self._break_off(self._who_broke())
            if not await self._pass_on(news):
                return Outcome.SINK_BROKE
            if news.event is Event.FINISHED:
                self._way.finished = True
                return Outcome.FINISHED

    async def _begin(self, prefix: bytes) -> bool:
        """Pass on what was already read, and what filters said when they were made."""
        size = self._lane.max_chunk
        for start in range(0, max(len(prefix), 1), size):
            if not await self._pass_on(News(data=prefix[start : start + size])):
                return False
        return True

    async def _listen(self) -> News:
        """Wait for the source, or for a pause that a filter wants to be told of."""
        while self._pauses:
            with trio.move_on_at(self._quiet_since + self._pauses[0]):
                return await self._receive()
            return News(Event.QUIET, pause=self._pauses.pop(0))
        return await self._receive()

    async def _receive(self) -> News:
        data = await self._way.source.receive_some(self._lane.max_chunk)
        return News(data=bytes(data)) if data else News(Event.FINISHED)

    async def _pass_on(self, news: News) -> bool:
        """Lead it through the filters and send what comes out; say whether the sink took it all."""
        way = self._way
        if news.data:
            way.pair.spoke_last = way.source
        way.sending = True
        await self._lane.lead(news)
        await self._reply()
        try:
            await self._send(news.event)
        except trio.BrokenResourceError:
            return False
        way.sending = False
        if news.data:
            self._pauses = [*self._lane.pauses]
            self._quiet_since = trio.current_time()
        return True

    async def _send(self, event: Event) -> None:
        if event is Event.FINISHED:
            await self._lane.send_eof(self._way.sink)
        else:
            await self._lane.send(self._way.sink)

    async def _reply(self) -> None:
        """Lead what filters have inserted on its way; other filters may reply to that."""
        while self._lane.has_replies or self._back.has_replies:
            await self._lane.lead(NOTHING)
            await self._back.lead(NOTHING)
            try:
                await self._back.send(self._way.source)
            except trio.BrokenResourceError:
                # What the source has delivered can still be read. Behind it comes what looks
                # like an end-of-file, and the mark says that it is none.
                self._way.pair.mark_broken(self._way.source)

    def _who_broke(self) -> Outcome:
        sink_broke = self._way.pair.broken is self._way.sink
        return Outcome.SINK_BROKE if sink_broke else Outcome.SOURCE_BROKE

    async def _break_off(self, outcome: Outcome) -> Outcome:
        """Pass on what filters hold but would not keep: the source had delivered it."""
        with trio.move_on_after(_LAST_WORDS):
            await self._pass_on(News(Event.QUIET, pause=math.inf))
        return outcome
