"""Failover: a backend that dies costs its own clients an attempt, and nobody else anything."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from shop import SECOND_SHOP, SHOP, Shop, order

from trio_balancer.testing import MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from trio.testing import MockClock


pytestmark = pytest.mark.trio


async def test_orders_go_to_the_shop_that_is_left(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    first, second = Shop(), Shop()
    await nursery.start(first.serve, network, SHOP)
    await nursery.start(second.serve, network, SECOND_SHOP)
    async with open_balancer([SHOP, SECOND_SHOP], network=network) as lb:
        connect = partial(network.connect, inet_address(*lb.address))
        async with lb.backend(0).kill():
            answers = [await order(connect, f"book-{n}") for n in range(10)]
        lb.assert_distribution({1: 10})
    assert answers == [f"OK book-{n}" for n in range(10)]
    assert not first.orders
    nursery.cancel_scope.cancel()


async def test_an_order_that_was_cut_off_is_tried_again(
    autojump_clock: MockClock, nursery: trio.Nursery, network: MemoryNetwork
) -> None:
    shop = Shop()
    await nursery.start(shop.serve, network, SHOP)
    async with open_balancer([SHOP], network=network) as lb:
        connect = partial(network.connect, inet_address(*lb.address))
        link = network.link("127.0.0.1", SHOP)
        async with trio.open_nursery() as customers:
            with link.partition():
                customers.start_soon(order, connect, "book")
                await lb.wait(lambda lb: len(lb.connections) == 2, timeout=5)
    assert list(shop.orders.values()) == ["book"]
    nursery.cancel_scope.cancel()
