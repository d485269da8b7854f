"""Retry logic over real sockets, in a test without async: a real client, a real server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from web_clients import items, order, order_carelessly

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.testing import SyncHarness

# Without this mark the careless client fails the test: two orders instead of one.
BUG = pytest.mark.xfail(raises=AssertionError, strict=True)


@pytest.mark.parametrize("order", [pytest.param(order_carelessly, marks=BUG), order])
def test_a_late_answer_is_no_second_order(
    balancer: SyncHarness, order: Callable[[str, str], None]
) -> None:
    balancer.spawn([sys.executable, "web_shop.py", "{port}"])
    url = "http://{}:{}".format(*balancer.address)
    with balancer.fault("latency", latency=2000, match={"first": 1}):
        order(url, "book")
    assert items(url) == ["book"]
