"""Clients that come back whenever they are sent away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio
from support.world import FRONT, OPTIONS

from trio_balancer.network.seam import PeerReset

if TYPE_CHECKING:
    from support.world import World


@attrs.define(eq=False)
class Returning:
    """Long-lived clients, each of which dials again `delay` seconds after it was reset."""

    world: World
    delay: float = 0.5
    #: When anybody was reset, by trio's clock.
    resets: list[float] = attrs.Factory(list)

    async def come(self, nursery: trio.Nursery, count: int) -> None:
        """Let so many come, and return once they are there."""
        before = len(self.world.runtime.connections)
        for _ in range(count):
            nursery.start_soon(self._stay)
        await self.world.until(lambda: len(self.world.runtime.connections) == before + count)

    async def _stay(self) -> None:
        while True:
            client = await self.world.network.connect(FRONT, options=OPTIONS)
            try:
                await client.receive_some()
            except PeerReset:
                self.resets.append(trio.current_time())
            client.close()
            await trio.sleep(self.delay)
