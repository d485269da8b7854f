"""What a `copy` works on: one way of a pair of joined streams."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from enum import Enum
from typing import Any, Protocol

import attrs

from trio_balancer.network.seam import Stream


class Outcome(Enum):
    """How a `copy` ended. A broken peer is news, not an error, so these are values."""

    FINISHED = "every byte and the end-of-file were passed on"
    SOURCE_BROKE = "the source broke; what it had delivered was passed on"
    SINK_BROKE = "the sink broke"


class Outlet(Protocol):
    """Where the bytes of a way are sent: its sink, or what stands before that."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Take all of it; raises trio.BrokenResourceError where the sink broke."""
        ...

    async def send_eof(self) -> None:
        """Pass an end-of-file on, after all that was sent; raises as `send_all`."""
        ...


@attrs.frozen
class HandedBack:
    """The way goes on elsewhere, beginning with these bytes, which the sink has not been given."""

    unsent: bytes


@attrs.define(eq=False)
class Pair:
    """A client and a backend joined, and what both ways must know of each other.

    A reset is told once, to whoever asks first; who hears of it marks the pair, because to
    everybody else the same leg then looks as if it had cleanly ended.
    """

    client: Stream
    backend: Stream
    up: Way = attrs.field(init=False)
    down: Way = attrs.field(init=False)
    broken: Stream | None = None
    #: The leg whose end-of-file came first, as soon as it came.
    closed_first: Stream | None = None
    spoke_last: Stream | None = None

    def __attrs_post_init__(self) -> None:
        self.up = Way(self, self.client, self.backend)
        self.down = Way(self, self.backend, self.client)

    def part(self) -> None:
        """Let go of both ways, once all is over: they hold the pair, and nobody looks at them then.

        In that cycle both streams would stay in memory until the garbage collector comes.
        """
        del self.up, self.down

    def mark_broken(self, leg: Stream) -> None:
        """Remember which leg broke first; the other follows because of us."""
        if self.broken is None:
            self.broken = leg

    def mark_closed(self, leg: Stream) -> None:
        """Remember which leg finished first."""
        if self.closed_first is None:
            self.closed_first = leg

    def other(self, leg: Stream) -> Stream:
        """Return the leg at the other end."""
        return self.backend if leg is self.client else self.client

    def way_from(self, leg: Stream) -> Way:
        """Return the way whose source is this leg."""
        return self.up if leg is self.client else self.down

    def progress(self) -> int:
        """Bytes taken from and given to either kernel socket so far, partial sends included."""
        return self.client.moved() + self.backend.moved()


@attrs.define(eq=False)
class Way:
    """One direction of a pair; `sending` while bytes taken from the source wait for the sink."""

    pair: Pair = attrs.field(repr=False)
    source: Stream
    sink: Stream
    sending: bool = False
    finished: bool = False
    #: Whether bytes are held back on purpose, for some time: they come even after a reset.
    held: bool = False
    #: While it is in the relay: gets it out, so that it is copied as streams from then on.
    leave_relay: Callable[[], None] | None = None
    #: Who copies it then, beginning with bytes that were not sent yet, instead of `relay.copy`.
    heir: Callable[[Way, bytes], Coroutine[Any, Any, Outcome]] | None = None
