"""Very many connections of every kind leave nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.crowd import Crowd, serve_backends
from support.eventually import eventually
from support.joined import LOOPBACK, joining
from support.memory import MIB, resident
from support.plain import listen
from support.process import balancer, config_text
from support.scale import scaled
from trio.testing import wait_all_tasks_blocked

from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

# A second listener, whose only backend nobody serves.
REFUSED = """
[listeners.refused]
bind = "127.0.0.1:0"
pool = "nobody"
[pools.nobody]
connect_attempts = 1
backends = ["127.0.0.1:1"]
[pools.nobody.health]
type = "none"
"""
# Connections until the heap has found its shape, at least; a quarter as many as are measured.
WARM_UP = 15_000
# A few more at once than later: a heap grows by a MiB at a time (CPython's arenas) at each new
# peak, which is chance, not a leak.
PEAK = 250
EXPECTED = {
    "clean: answer",
    "half-closed: answer",
    "client resets: gone",
    "backend resets: reset",
    "refused: reset",
}


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


@pytest.mark.heavy
@pytest.mark.timeout(600)
async def test_process_is_as_before_after_mixed_connections(tmp_path: Path) -> None:
    total = scaled(100_000)
    with listen(LOOPBACK, backlog=4096) as backends:
        text = config_text(backends.getsockname()[1], log="connections = false") + REFUSED
        with balancer(tmp_path, text) as process:
            crowd = Crowd(
                inet_address("127.0.0.1", process.port),
                inet_address("127.0.0.1", port_of(process.listeners["refused"][0])),
            )
            files = process.open_files()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve_backends, backends)
                await crowd.come(max(WARM_UP, total // 4), at_once=PEAK)
                await eventually(lambda: process.open_files() <= files)
                memory = resident(process.pid)
                await crowd.come(total)
                nursery.cancel_scope.cancel()
            await eventually(lambda: process.open_files() <= files)
            grown = resident(process.pid) - memory
            assert set(crowd.seen) == EXPECTED
            assert grown <= MIB
            assert process.stop() == 0


async def test_tasks_and_counts_are_as_before_after_mixed_connections() -> None:
    total = scaled(5_000)
    async with joining() as joined, trio.open_nursery() as nursery:
        crowd = Crowd(joined.address)
        nursery.start_soon(serve_backends, joined.backends)
        # The first connections start tasks that stay, like the sweepers.
        await crowd.come(10)
        await eventually(lambda: len(joined.records) == crowd.seen.total())
        await wait_all_tasks_blocked()
        tasks = trio.lowlevel.current_statistics().tasks_living
        await crowd.come(total)
        await eventually(lambda: len(joined.records) == crowd.seen.total())
        await eventually(lambda: trio.lowlevel.current_statistics().tasks_living == tasks)
        statistics = joined.balancer.statistics()
        assert (statistics.active, statistics.tokens) == (0, 0)
        assert statistics.pools[0].backends[0].active == 0
        assert sum(statistics.traffic.endings.values()) == crowd.seen.total()
        assert set(crowd.seen) == EXPECTED - {"refused: reset"}
        nursery.cancel_scope.cancel()
