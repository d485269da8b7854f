"""What those hear who follow a balancer."""

from __future__ import annotations

import pytest
import trio
from support.world import make_config
from trio.testing import MockClock

from trio_balancer import serve
from trio_balancer.control.phase import Phase
from trio_balancer.control.reload import ReloadError
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.testing import MemoryNetwork

CONFIG = make_config()


async def test_each_phase_is_told_when_it_begins(autojump_clock: MockClock) -> None:
    told: list[Phase] = []
    async with trio.open_nursery() as nursery:
        balancer = await nursery.start(
            lambda task_status: serve(
                CONFIG, network=MemoryNetwork(), log_sink=MemorySink(), task_status=task_status
            )
        )
        balancer.followers.append(told.append)
        await balancer.reload(CONFIG)
        assert told == [Phase.RELOADING, Phase.SERVING]
        with pytest.raises(ReloadError):
            await balancer.reload()
        assert told[2:] == [Phase.RELOADING, Phase.SERVING]
        await balancer.stop()
        balancer.drain()
        assert told[4:] == [Phase.STOPPING]
    with pytest.raises(ReloadError):
        await balancer.reload(CONFIG)
    assert told[5:] == [Phase.RELOADING, Phase.STOPPING]
