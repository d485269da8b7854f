"""A pair of streams over any relay, whose bytes are copied with faults."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import trio
from support.rig import Ends, Rig, open_rig
from support.world import make_config

from trio_balancer.faults import ConnectionFaults, FaultBook, Subject, make_fault, on_listener
from trio_balancer.relay import Outcome
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio_balancer.relay import Way

#: Where a way can leave what moves its bytes, and where there is nothing to leave.
PLAIN = ["portable-ipv4", "epoll-ipv4", "splice-ipv4"]
RELAYS = [*PLAIN, "streams-ipv4", "memory"]

WEB = on_listener("web")


@attrs.define(eq=False)
class Broken:
    """Our legs between a client and a backend, and the faults of this one connection."""

    rig: Rig
    ends: Ends
    book: FaultBook
    #: How faults have ended it: why, and whether with a reset.
    cuts: list[tuple[str, bool]] = attrs.field(factory=list)
    outcomes: dict[str, Outcome] = attrs.field(factory=dict)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    over: trio.Event = attrs.field(factory=trio.Event)
    faults: ConnectionFaults = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        subject = Subject(1, "web", inet_address("10.0.0.9", 1))
        self.faults = self.book.open(subject, self._end)

    def _end(self, reason: str, *, reset: bool) -> None:
        self.cuts.append((reason, reset))
        self.scope.cancel()

    async def run(self, prefix: bytes) -> None:
        """Copy both ways until both are over, as a bridge does."""
        pair = self.ends.pair
        with self.scope:
            async with trio.open_nursery() as nursery:
                copier = self.faults.through(self.rig.relay, None)

                async def copy(name: str, way: Way, prefix: bytes) -> None:
                    outcome = self.outcomes[name] = await copier.copy(way, prefix)
                    if outcome is not Outcome.FINISHED:
                        broken = way.source if outcome is Outcome.SOURCE_BROKE else way.sink
                        pair.mark_broken(broken)

                nursery.start_soon(copy, "up", pair.up, prefix)
                nursery.start_soon(copy, "down", pair.down, b"")
        self.faults.close()
        self.over.set()

    def add(self, kind: str, **table: object) -> None:
        """Add a fault of what a table of the configuration would say."""
        self.book.add(WEB, make_fault({"type": kind, **table}))

    @property
    def in_relay(self) -> list[bool]:
        """Whether the way up, and the way down, are moved by the relay."""
        return [way.leave_relay is not None for way in (self.ends.pair.up, self.ends.pair.down)]


@asynccontextmanager
async def breakable(
    name: str, directory: Path, *, prefix: bytes = b"", before: str | None = None
) -> AsyncIterator[Broken]:
    """Join a client and a backend over the relay of this name; `before` is a fault's type."""
    async with open_rig(name, directory) as rig:
        book = FaultBook(1)
        book.configure(make_config())
        broken = Broken(rig, await rig.join(), book)
        if before is not None:
            broken.add(before)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(broken.run, prefix)
            await trio.testing.wait_all_tasks_blocked(0.001)
            yield broken
            broken.scope.cancel()
