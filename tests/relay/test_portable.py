"""Socket calls and trio's waits; what all ways of moving bytes have in common is tested as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.rig import Rig, open_rig, receive_to_end, say
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import SocketNetwork
from trio_balancer.relay import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def portable(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig("portable-ipv4", tmp_path) as made:
        yield made


async def test_bulk_lets_other_tasks_run(portable: Rig) -> None:
    """A source that always has more, and a sink that takes it, would never wait."""
    ends = await portable.join()
    copying = portable.copy(ends.pair.up)
    most, before = 0, 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(say, ends.client, bytes(10_000_000))
        nursery.start_soon(receive_to_end, ends.backend)
        while not copying.over.is_set():
            await trio.lowlevel.checkpoint()
            moved = ends.pair.client.received - before
            before += moved
            most = max(most, moved)
    assert most <= 4 * 65536
    assert copying.outcome is Outcome.FINISHED


async def test_needs_no_epoll(portable: Rig) -> None:
    """Nobody has told the poller of these sockets."""
    ends = await portable.join()
    copying = portable.copy(ends.pair.up)
    await wait_all_tasks_blocked()
    assert isinstance(portable.network, SocketNetwork)
    assert not portable.network.poller._watched
    await say(ends.client, b"all the same")
    assert await receive_to_end(ends.backend) == b"all the same"
    assert await copying.wait() is Outcome.FINISHED


async def test_leg_that_was_closed_under_it_is_broken(portable: Rig) -> None:
    ends = await portable.join()
    ends.pair.client.close()
    assert await portable.copy(ends.pair.up).wait() is Outcome.SOURCE_BROKE
    other = await portable.join()
    other.pair.backend.close()
    assert await portable.copy(other.pair.up, b"prefix").wait() is Outcome.SINK_BROKE
