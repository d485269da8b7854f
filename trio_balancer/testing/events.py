"""What happened in and around a balancer under test, in order: the timeline."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.wire.escape import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Events that are kept; older ones are forgotten.
MAX_EVENTS = 50_000
#: Events that a failure's text shows.
SHOWN = 40


class EventKind(StrEnum):
    """What happened. Each equals its text, so that tests may write `"ended"`."""

    ACCEPTED = "accepted"
    CHOSEN = "chosen"
    CONNECTED = "connected"
    DIAL_FAILED = "dial failed"
    ENDED = "ended"
    #: A backend changed its state: `detail` begins with the new one.
    BACKEND = "backend"
    #: Something is done on purpose from now on, or in another way, or no longer.
    FAULT_ADDED = "fault added"
    FAULT_CHANGED = "fault changed"
    FAULT_REMOVED = "fault removed"
    #: A backend was added, or moved.
    ADDED = "added"
    RETARGETED = "retargeted"
    BUG = "bug"


@attrs.frozen
class Event:
    """One thing that happened; `time` is of trio's clock (monotonic seconds).

    `connection` is the number of the connection, `backend` the name of the backend that it is
    about, None where it is about none.
    """

    time: float
    kind: EventKind
    connection: int | None = None
    backend: str | None = None
    detail: str = ""


@final
class Timeline:
    """The events so far, and whoever waits for the next one."""

    def __init__(self) -> None:
        # Kept, because the last of it may be told when trio's run is over.
        self._clock = trio.lowlevel.current_clock()
        self.began = self._clock.current_time()
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._waiting = trio.lowlevel.ParkingLot()

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def add(
        self,
        kind: EventKind,
        *,
        connection: int | None = None,
        backend: str | None = None,
        detail: str = "",
    ) -> None:
        """Write down what happens now."""
        now = self._clock.current_time()
        self._events.append(Event(now, kind, connection, backend, detail))
        self.stir()

    def stir(self) -> None:
        """Let those who wait look again: something changed that is no event, such as a count."""
        self._waiting.unpark_all()

    async def wait_change(self) -> None:
        """Wait for the next event or change."""
        await self._waiting.park()

    def text(self, last: int = SHOWN) -> str:
        """Write the last events for people, a line for each; times are since the start."""
        shown = list(self._events)[-last:]
        left_out = len(self._events) - len(shown)
        lines = [f"  ({left_out} earlier events)"] if left_out else []
        lines += [self._line(event) for event in shown]
        return "\n".join(lines) or "  (nothing happened)"

    def _line(self, event: Event) -> str:
        number = "" if event.connection is None else f"#{event.connection}"
        words = (f"{event.kind:<13}", f"{number:<5}", event.backend or "", event.detail)
        told = escape(" ".join(word for word in words if word).rstrip())
        return f"  {event.time - self.began:10.6f} {told}"
