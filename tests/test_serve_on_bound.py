"""The moment when all is bound and nobody is served yet."""

from __future__ import annotations

import pytest
import trio
from support.world import FRONT, make_config

from trio_balancer import serve
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.testing import MemoryNetwork

CHECKED = make_config(more="")


async def test_it_comes_before_any_dial() -> None:
    network = MemoryNetwork()
    seen: list[object] = []

    def look() -> None:
        seen.append(network.listener_at(FRONT).address)
        seen.append(len(network.open_streams()))

    async with trio.open_nursery() as nursery:
        await nursery.start(
            lambda task_status: serve(
                CHECKED,
                network=network,
                log_sink=MemorySink(),
                on_bound=look,
                task_status=task_status,
            )
        )
        nursery.cancel_scope.cancel()
    assert seen == [FRONT, 0]


async def test_what_it_raises_reaches_the_caller_and_nothing_stays_bound() -> None:
    network = MemoryNetwork()

    def fail() -> None:
        raise PermissionError("not allowed")

    with pytest.raises(PermissionError, match="not allowed"):
        await serve(CHECKED, network=network, log_sink=MemorySink(), on_bound=fail)
    with pytest.raises(ConnectionRefusedError):
        network.listener_at(FRONT)
