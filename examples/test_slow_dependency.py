"""A slow dependency: exact times, because time only passes when everybody waits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from shop import SHOP, OrderFailedError, Shop, order

from trio_balancer.testing import MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio.testing import MockClock


pytestmark = pytest.mark.trio


async def test_a_slow_network_is_waited_for(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    await nursery.start(Shop().serve, network)
    network.link("127.0.0.1", SHOP, latency=0.2)
    async with open_balancer([SHOP], network=network) as lb:
        start = trio.current_time()
        assert await order(partial(network.connect, inet_address(*lb.address)), "book") == "OK book"
        # There and back for the dial, and there and back for the order.
        assert trio.current_time() - start == pytest.approx(0.8)
    nursery.cancel_scope.cancel()


async def test_a_network_that_is_too_slow_is_given_up(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    await nursery.start(Shop().serve, network)
    network.link("127.0.0.1", SHOP, latency=0.3)
    async with open_balancer([SHOP], network=network) as lb:
        start = trio.current_time()
        with pytest.raises(OrderFailedError):
            await order(partial(network.connect, inet_address(*lb.address)), "book")
        assert trio.current_time() - start == pytest.approx(3)
    nursery.cancel_scope.cancel()
