from __future__ import annotations

import pytest
from trio.testing import MockClock

from trio_balancer.network import SocketNetwork
from trio_balancer.network.real_time import check_real_time
from trio_balancer.testing import MemoryNetwork


async def test_real_sockets_and_real_time() -> None:
    check_real_time(SocketNetwork())


async def test_a_network_in_memory_and_a_clock_that_jumps(mock_clock: MockClock) -> None:
    check_real_time(MemoryNetwork())


async def test_real_sockets_and_a_clock_that_jumps(mock_clock: MockClock) -> None:
    with pytest.raises(RuntimeError, match="give network="):
        check_real_time(SocketNetwork())
