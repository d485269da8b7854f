"""Retry logic: a dependency that answers too late has done its work all the same."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest
from shop import SHOP, OrderFailedError, Shop, order, order_carelessly

from trio_balancer.testing import MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import trio
    from trio.testing import MockClock

pytestmark = pytest.mark.trio

# Without this mark the careless client fails the test: three orders instead of one.
BUG = pytest.mark.xfail(raises=pytest.RaisesGroup(AssertionError), strict=True)


@pytest.mark.parametrize("order", [pytest.param(order_carelessly, marks=BUG), order])
async def test_a_late_answer_is_no_second_order(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    order: Callable[..., Awaitable[str]],
) -> None:
    shop = Shop()
    await nursery.start(shop.serve, network)
    async with open_balancer([SHOP], network=network) as lb:
        connect = partial(network.connect, inet_address(*lb.address))
        async with lb.backend(0).slow(latency=2):
            with suppress(OrderFailedError):
                await order(connect, "book")
    assert list(shop.orders.values()) == ["book"]
    nursery.cancel_scope.cancel()
