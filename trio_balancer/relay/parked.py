"""A copy whose task sleeps until it is over, while the poller has its bytes moved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import outcome
import trio

from trio_balancer.network.seam import PeerReset
from trio_balancer.relay.copy import copy
from trio_balancer.relay.way import HandedBack, Outcome

if TYPE_CHECKING:
    from trio_balancer.network.socket_stream import SocketStream
    from trio_balancer.relay.way import Way


class Parked(ABC):
    """How a way enters the relay, and every way out of it; who inherits moves the bytes."""

    __slots__ = ("_over", "_result", "_sink", "_source", "_task", "_way")

    def __init__(self, way: Way, source: SocketStream, sink: SocketStream) -> None:
        self._way = way
        self._source = source
        self._sink = sink
        self._task: trio.lowlevel.Task | None = None
        self._result: outcome.Outcome[Outcome | HandedBack] | None = None
        self._over = False

    async def run(self, prefix: bytes) -> Outcome:
        """Move bytes until the way is over, `prefix` first; see `relay.copy.copy`."""
        self._source.watch()
        self._sink.watch()
        self._way.leave_relay = self._hand_back
        self._start(prefix)
        del prefix  # not to be kept for as long as the way lasts
        result: Outcome | HandedBack
        if self._result is None:
            self._task = trio.lowlevel.current_task()
            result = await trio.lowlevel.wait_task_rescheduled(self._abort)
        else:
            result = self._result.unwrap()
        if isinstance(result, HandedBack):
            return await (self._way.heir or copy)(self._way, result.unsent)
        return result

    @abstractmethod
    def _start(self, prefix: bytes) -> None:
        """Be the source's reader; see to `prefix`, and to what was told before."""

    @abstractmethod
    def _take_unsent(self) -> bytes:
        """Give up what was taken from the source and not given to the sink."""

    @abstractmethod
    def _let_go(self) -> None:
        """Give back whatever is held."""

    def _hand_back(self) -> None:
        """Let the way's heir go on, beginning with what was not sent yet."""
        self._finish(HandedBack(self._take_unsent()))

    def _end(self) -> None:
        """Pass the source's end-of-file on, unless it may be none."""
        broken = self._way.pair.broken
        if broken is not None:
            self._broke(self._sink if broken is self._sink else self._source)
            return
        try:
            self._sink.send_eof_nowait()
        except PeerReset:
            self._broke(self._sink)
        else:
            self._way.finished = True
            self._finish(Outcome.FINISHED)

    def _broke(self, leg: SocketStream) -> None:
        """End because a leg broke, and say so at once: the other way may run before our task."""
        self._way.pair.mark_broken(leg)
        self._finish(Outcome.SINK_BROKE if leg is self._sink else Outcome.SOURCE_BROKE)

    def _finish(self, how: Outcome | HandedBack) -> None:
        self._settle(outcome.Value(how))

    def _settle(self, result: outcome.Outcome[Outcome | HandedBack]) -> None:
        """Leave the relay and wake the task, if it is parked already."""
        self._result = result
        self._detach()
        if self._task is not None:
            trio.lowlevel.reschedule(self._task, result)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._detach()
        return trio.lowlevel.Abort.SUCCEEDED

    def _detach(self) -> None:
        self._over = True
        self._source.reader = None
        self._sink.writer = None
        self._way.leave_relay = None
        self._way.sending = False
        self._let_go()
