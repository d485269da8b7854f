from __future__ import annotations

import trio

from trio_balancer.testing import MemoryNetwork


async def test_network_without_needs_has_run_at_once() -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(MemoryNetwork().run)
