"""Clients that reset while their backend is being dialled: the wait ends and nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from support.eventually import eventually
from support.joined import Joined, joining
from support.plain import dial, reset
from support.scale import scaled

from trio_balancer.network.kernel import from_kernel


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def fill_backlog(joined: Joined) -> None:
    """Make dials to the backend go unanswered: its full backlog drops whoever comes."""
    address = from_kernel(joined.backends.getsockname())
    for _ in range(20):
        with trio.move_on_after(0.2) as unanswered:
            joined.made.append(await dial(address))
        if unanswered.cancelled_caught:
            return
    raise AssertionError("the backlog does not fill")


@pytest.mark.heavy
async def test_client_that_resets_while_dialling_ends_the_dial() -> None:
    total = scaled(10_000)
    async with joining(backlog=0) as joined:
        await fill_backlog(joined)
        before = open_files()
        for number in range(total):
            client = await dial(joined.address)
            if number % 2:
                # The other half is gone before it was accepted.
                await eventually(lambda: joined.balancer.statistics().active > 0)
            reset(client)
        await eventually(lambda: len(joined.records) == total, within=20)
        assert {str(record.ending) for record in joined.records} == {"CC"}
        statistics = joined.balancer.statistics()
        assert (statistics.active, statistics.tokens) == (0, 0)
        assert open_files() == before
        assert statistics.pools[0].backends[0].active == 0


async def test_client_that_only_finishes_while_dialling_waits_on() -> None:
    async with joining(backlog=0) as joined:
        await fill_backlog(joined)
        client = await joined.dial()
        await client.send(b"patient")
        client.shutdown(trio.socket.SHUT_WR)
        await eventually(lambda: joined.balancer.statistics().active == 1)
        # Room in the backlog: the kernel tries again by itself, after a second at first.
        blockers, joined.made[:] = list(joined.made[:-1]), joined.made[-1:]
        for _ in blockers:
            await joined.accept()
        backend = await joined.accept()
        assert await backend.recv(100) == b"patient"
        for blocker in blockers:
            blocker.close()
        await backend.send(b"at last")
        backend.close()
        assert await client.recv(100) == b"at last"
        assert str((await joined.record()).ending) == "--"
