"""A rolling restart: each backend is drained, restarted and put back, and no order fails."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from shop import SECOND_SHOP, SHOP, Shop, order

from trio_balancer.testing import BackendHandle, Harness, MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio.testing import MockClock


pytestmark = pytest.mark.trio


async def restart(lb: Harness, backend: BackendHandle) -> None:
    """Let a backend finish what it does, and be away for a while."""
    async with backend.drain():
        await lb.wait(lambda _lb: not backend.active)
        async with backend.kill():
            await trio.sleep(2)


async def test_no_order_fails(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    for address in (SHOP, SECOND_SHOP):
        await nursery.start(Shop().serve, network, address)
    async with open_balancer([SHOP, SECOND_SHOP], network=network) as lb:
        connect = partial(network.connect, inet_address(*lb.address))
        answers: list[str] = []

        async def customer() -> None:
            for number in range(100):
                answers.append(await order(connect, f"book-{number}"))
                await trio.sleep(0.1)

        async with trio.open_nursery() as customers:
            customers.start_soon(customer)
            for backend in lb.backends:
                await restart(lb, backend)
        assert len(answers) == 100
        # Nobody was sent to a shop that was away, not even to be sent on.
        assert all(seen.attempts == 1 for seen in lb.connections)
    nursery.cancel_scope.cancel()
