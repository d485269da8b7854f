"""A whole balancer in memory, in virtual time, whose connections may be broken on purpose."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio
from support.world import BACKEND, World, echo, make_config
from trio.testing import wait_all_tasks_blocked

from trio_balancer.faults import FaultBook, Scope, make_fault, on_listener, on_pool
from trio_balancer.filters import Filter
from trio_balancer.network.seam import PeerReset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from support.world import Behaviour, Server

    from trio_balancer.config.model_faults import Fault
    from trio_balancer.network.seam import Stream

WEB = on_listener("web")
APP = on_pool("app")


class Shout(Filter):
    """Shouts, and answers one question itself."""

    def from_client(self, data: bytes) -> bytes:
        """Answer, or shout."""
        if data == b"who?":
            self.connection.reply_to_client(b"me")
            return b""
        return data.upper()


class Faulty(World):
    """A world whose balancer has a book of faults."""

    server_of_all: Server

    @property
    def book(self) -> FaultBook:
        """The book."""
        book = self.balancer.faults
        assert book is not None
        return book

    def add(self, kind: str, scope: Scope = WEB, **table: object) -> Fault:
        """Add a fault; keywords that no fault has are attributes."""
        own = {"name", "stream", "toxicity", "match", "backend"}
        attributes = {key: value for key, value in table.items() if key not in own}
        others = {key: value for key, value in table.items() if key in own}
        return self.book.add(scope, make_fault({"type": kind, "attributes": attributes, **others}))


@asynccontextmanager
async def faulty_world(
    behave: Behaviour = echo, *, listener: str = "", pool: str = "", balancer: str = ""
) -> AsyncIterator[Faulty]:
    """Run a balancer with one backend meanwhile; nothing may be held in the end."""
    async with trio.open_nursery() as nursery:
        world = Faulty(nursery)
        world.server_of_all = await world.server(BACKEND, behave)
        balancer = f"faults = true\n{balancer}"
        await world.serve(make_config(listener=listener, pool=pool, balancer=balancer))
        yield world
        await world.crash_everybody()
        with trio.move_on_after(1):
            await world.until(lambda: not world.runtime.connections)
        for connection in list(world.runtime.connections.values()):
            connection.cancel()
        await wait_all_tasks_blocked()
        world.assert_nothing_is_held()
        assert world.runtime.totals.bugs == 0
        nursery.cancel_scope.cancel()


async def how_it_ends(stream: Stream) -> tuple[bytes, str]:
    """Receive until the end: what was received, and "finished" or "reset"."""
    received = bytearray()
    try:
        while data := await stream.receive_some():
            received += data
    except PeerReset:
        return bytes(received), "reset"
    return bytes(received), "finished"
