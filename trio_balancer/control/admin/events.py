"""What happens, as server-sent events, to everybody who listens and can keep up.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html. Events:
`status` (the status as JSON) and `sample` (see `history.py`) once a second, `ending` for each
finished connection, and `missed` with the number of endings that there was no room for.
"""

from __future__ import annotations

import json
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.control.admin.errors import RequestError
from trio_balancer.control.admin.history import History
from trio_balancer.control.operations import Operations
from trio_balancer.control.sessions import ending_line
from trio_balancer.flow.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Who may listen at the same time.
MOST_SUBSCRIBERS = 20
#: Seconds between two looks at the balancer, while somebody listens and while nobody does.
BUSY, IDLE = 1.0, 5.0
#: Seconds for which endings are collected before they are sent.
BATCH = 0.25
#: Endings of one batch, and those that one subscriber may lag behind.
MOST_OF_A_BATCH = 50
MOST_UNREAD = 200


def event(name: str, data: str) -> bytes:
    """Write one event; `data` is JSON on one line."""
    return f"event: {name}\ndata: {data}\n\n".encode()


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@attrs.define(eq=False)
class Subscriber:
    """One who listens: what it has not been sent yet, bounded.

    Of states only the newest is worth sending. Endings that find no room are counted.
    """

    _states: dict[str, bytes] = attrs.Factory(dict)
    _endings: deque[bytes] = attrs.Factory(deque)
    _missed: int = 0
    _news: trio.Event = attrs.Factory(trio.Event)

    def tell_state(self, name: str, state: bytes) -> None:
        """Have a state sent in place of the one before it."""
        self._states[name] = state
        self._news.set()

    def tell_ending(self, ending: bytes) -> None:
        """Have an ending sent."""
        if len(self._endings) < MOST_UNREAD:
            self._endings.append(ending)
        else:
            self._missed += 1
        self._news.set()

    def tell_missed(self, count: int) -> None:
        """Have it said that so many endings are left out."""
        self._missed += count
        self._news.set()

    async def next(self) -> bytes:
        """Wait for news, and return all of them."""
        await self._news.wait()
        self._news = trio.Event()
        news = [*self._states.values(), *self._endings]
        if self._missed:
            news.append(event("missed", _json({"endings": self._missed})))
        self._states.clear()
        self._endings.clear()
        self._missed = 0
        return b"".join(news)


@attrs.define(eq=False)
class EventHub:
    """Looks at the balancer once for all subscribers."""

    operations: Operations
    history: History = attrs.field(init=False)
    subscribers: set[Subscriber] = attrs.Factory(set)
    _finished: deque[Record] = attrs.Factory(deque)
    _missed: int = 0
    _someone: trio.Event = attrs.Factory(trio.Event)
    _some_ended: trio.Event = attrs.Factory(trio.Event)

    def __attrs_post_init__(self) -> None:
        self.history = History(self.operations.balancer)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look and tell until cancelled."""
        runtime = self.operations.balancer.runtime
        runtime.observe(self._observe)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._tell_states)
                nursery.start_soon(self._tell_endings)
                task_status.started()
        finally:
            runtime.stop_observing(self._observe)

    @contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Tell somebody the status, and then all news, until the block ends."""
        subscriber = Subscriber()
        subscriber.tell_state("status", self._status())
        self.subscribers.add(subscriber)
        self._someone.set()
        try:
            yield subscriber
        finally:
            self.subscribers.discard(subscriber)

    def check_room(self) -> None:
        """Raise RequestError when too many listen already."""
        if len(self.subscribers) >= MOST_SUBSCRIBERS:
            raise RequestError(503, "too-many", "Too many clients listen to events already.")

    def _observe(self, record: Record) -> None:
        # Called for each connection, so it does as little as it can; nobody may listen.
        if not self.subscribers:
            return
        if len(self._finished) < MOST_OF_A_BATCH:
            self._finished.append(record)
        else:
            self._missed += 1
        self._some_ended.set()

    def _status(self) -> bytes:
        return event("status", _json(self.operations.status()))

    async def _tell_states(self) -> None:
        while True:
            sample = event("sample", _json(self.history.take()))
            if self.subscribers:
                status = self._status()
                for subscriber in self.subscribers:
                    subscriber.tell_state("status", status)
                    subscriber.tell_state("sample", sample)
            await self._pause()

    async def _pause(self) -> None:
        """Sleep until the next look; whoever comes first after a quiet time ends the sleep."""
        if self.subscribers:
            await trio.sleep(BUSY)
            return
        self._someone = trio.Event()
        with trio.move_on_after(IDLE):
            await self._someone.wait()

    async def _tell_endings(self) -> None:
        while True:
            await self._some_ended.wait()
            await trio.sleep(BATCH)
            self._some_ended = trio.Event()
            endings = [event("ending", ending_line(record)) for record in self._finished]
            missed, self._missed = self._missed, 0
            self._finished.clear()
            for subscriber in self.subscribers:
                for each in endings:
                    subscriber.tell_ending(each)
                if missed:
                    subscriber.tell_missed(missed)
