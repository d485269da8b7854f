"""A rolling restart over real sockets, in an asyncio test: real processes come and go."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from trio_balancer.testing import AsyncioHarness
    from trio_balancer.testing.asyncio_backend import AsyncioBackend

# A connection for each request: one that is kept would keep its shop from ever being idle.
LIMITS = httpx.Limits(max_keepalive_connections=0)


async def restart(balancer: AsyncioHarness, shop: AsyncioBackend) -> None:
    """Let a shop finish what it does, and start it anew."""
    async with shop.drain():
        await balancer.wait(lambda _lb: not shop.active)
        await shop.restart()


@pytest.mark.asyncio
async def test_no_customer_is_turned_away(balancer: AsyncioHarness) -> None:
    shops = await balancer.spawn([sys.executable, "web_shop.py", "{port}"], instances=2)
    url = "http://{}:{}".format(*balancer.address)
    closing_time = asyncio.Event()

    async def customer(client: httpx.AsyncClient) -> None:
        while not closing_time.is_set():
            assert (await client.get("/orders")).status_code == 200

    async with httpx.AsyncClient(base_url=url, limits=LIMITS) as client:
        customers = [asyncio.create_task(customer(client)) for _ in range(4)]
        for shop in shops:
            await restart(balancer, shop)
        closing_time.set()
        await asyncio.gather(*customers)
    # Nobody was sent to a shop that was away, not even to be sent on.
    assert all(seen.attempts == 1 for seen in balancer.connections)
