"""A balancer under test in memory, and the other side of its backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.testing import Harness, MemoryStream
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from support.world import Server, World


@attrs.define(eq=False)
class Site:
    """A harness `lb`, its backends' servers, and a way to connect."""

    world: World
    lb: Harness
    servers: list[Server]

    async def client(self) -> MemoryStream:
        """Connect, and let everybody do what can be done at once."""
        return await self.world.client(inet_address(*self.lb.address))

    def endings(self) -> list[str | None]:
        """List the endings of all connections, None for live ones."""
        return [each.ending for each in self.lb.connections]


async def is_silent(stream: MemoryStream) -> bool:
    """Say whether nothing arrives in a long time, neither bytes nor an end."""
    with trio.move_on_after(100):
        await stream.receive_some()
        return False
    return True


async def settle() -> None:
    """Let everybody do what can be done at once."""
    await wait_all_tasks_blocked()
