"""Cancelled at any scheduling step, or handed back, a copy leaves nothing behind and loses nothing.

That nothing is left (no reader, no writer, no pipe) is checked by every rig at its end.
"""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING

import pytest
import trio
from support.eventually import eventually
from support.rig import (
    EVERYTHING,
    Copying,
    Ends,
    Rig,
    clog,
    open_rig,
    receive_exactly,
    receive_to_end,
    say,
)

from trio_balancer.relay import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PAYLOAD = random.Random(1).randbytes(300_000)
# Less than any copy of the payload takes.
FEWEST_STEPS = 20


class AtStep(trio.abc.Instrument):
    """Calls `act` after so many steps of any task, counted from `start` on."""

    def __init__(self, step: int) -> None:
        self.left = step
        self.act: Callable[[], object] | None = None

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.act is not None:
            self.left -= 1
            if self.left == 0:
                self.act()


async def cancel_at(name: str, directory: Path, instrument: AtStep) -> None:
    """Copy both ways, with a reader that stops for a while, and cancel one way at some step."""
    async with open_rig(name, directory) as rig:
        ends = await rig.join()
        up, down = rig.copy(ends.pair.up, b"prefix"), rig.copy(ends.pair.down)
        instrument.act = up.scope.cancel
        rig.nursery.start_soon(say, ends.client, PAYLOAD)
        rig.nursery.start_soon(say, ends.backend, PAYLOAD)
        received = await receive_while_it_lasts(ends, up)
        instrument.act = None
        assert (b"prefix" + PAYLOAD).startswith(received)
        if up.outcome is Outcome.FINISHED:
            assert len(received) == 6 + len(PAYLOAD)
        # The other way knows nothing of it.
        assert await receive_to_end(ends.client) == PAYLOAD
        assert await down.wait() is Outcome.FINISHED


async def receive_while_it_lasts(ends: Ends, copying: Copying) -> bytes:
    """Receive until the copy is over, whichever way, and then what it has sent."""
    received = bytearray()
    async with trio.open_nursery() as nursery:

        async def receive() -> None:
            while data := await ends.backend.receive_some(1 << 15):
                received.extend(data)

        nursery.start_soon(receive)
        await copying.wait()
        await eventually(lambda: len(received) == ends.pair.backend.sent)
        nursery.cancel_scope.cancel()
    return bytes(received)


@pytest.mark.usefixtures("eager_splice")
@pytest.mark.parametrize("name", EVERYTHING)
def test_cancelled_at_any_step(name: str, tmp_path: Path) -> None:
    for step in count(1):
        instrument = AtStep(step)
        directory = tmp_path / str(step)
        directory.mkdir()
        trio.run(cancel_at, name, directory, instrument, instruments=[instrument])
        if instrument.left > 0:
            break
    assert step > FEWEST_STEPS


async def test_cancelled_while_stalled(rig: Rig) -> None:
    """With bytes in hand, or in a pipe."""
    ends = await rig.join()
    copying = rig.copy(ends.pair.up)
    await clog(ends.client, bytes(10_000_000))
    copying.scope.cancel()
    assert await copying.wait() is None
    rig.assert_nothing_is_left()


async def test_cancelled_before_it_began(rig: Rig) -> None:
    ends = await rig.join()
    copying = rig.copy(ends.pair.up)
    copying.scope.cancel()
    assert await copying.wait() is None
    rig.assert_nothing_is_left()


# Leaving the relay, for the stream copy to go on


async def test_live_way_leaves_the_relay_at_any_moment(leavable_rig: Rig) -> None:
    """Nothing is lost and nothing doubled, in both ways, whatever was on its way."""
    rng = random.Random(5)
    for _ in range(10):
        ends = await leavable_rig.join()
        copies = [leavable_rig.copy(ends.pair.up), leavable_rig.copy(ends.pair.down)]
        for stream in (ends.client, ends.backend):
            leavable_rig.nursery.start_soon(say, stream, PAYLOAD)
        head = await receive_exactly(ends.backend, rng.randrange(len(PAYLOAD)))
        for way in (ends.pair.up, ends.pair.down):
            if way.leave_relay is not None:
                way.leave_relay()
        assert head + await receive_to_end(ends.backend) == PAYLOAD
        assert await receive_to_end(ends.client) == PAYLOAD
        assert [await copying.wait() for copying in copies] == [Outcome.FINISHED] * 2


async def test_stalled_way_leaves_the_relay(leavable_rig: Rig) -> None:
    ends = await leavable_rig.join()
    copying = leavable_rig.copy(ends.pair.up)
    sent = await clog(ends.client, PAYLOAD * 10)
    held = ends.pair.client.received - ends.pair.backend.sent
    assert held > 0
    assert ends.pair.up.leave_relay is not None
    ends.pair.up.leave_relay()
    assert (await receive_exactly(ends.backend, sent)) == (PAYLOAD * 10)[:sent]
    leavable_rig.assert_nothing_is_left()
    await say(ends.client, b"the rest")
    assert await receive_to_end(ends.backend) == b"the rest"
    assert await copying.wait() is Outcome.FINISHED
    assert ends.pair.backend.sent == ends.pair.client.received == sent + 8


async def test_idle_way_leaves_the_relay(leavable_rig: Rig) -> None:
    ends = await leavable_rig.join()
    copying = leavable_rig.copy(ends.pair.up)
    await ends.client.send_all(b"before")
    assert await receive_exactly(ends.backend, 6) == b"before"
    assert ends.pair.up.leave_relay is not None
    ends.pair.up.leave_relay()
    await say(ends.client, b"after")
    assert await receive_to_end(ends.backend) == b"after"
    assert await copying.wait() is Outcome.FINISHED


@pytest.mark.parametrize("how", ["finished", "cancelled"])
async def test_way_that_is_over_has_left(leavable_rig: Rig, how: str) -> None:
    ends = await leavable_rig.join()
    copying = leavable_rig.copy(ends.pair.up)
    await ends.client.send_all(b"x")
    assert await receive_exactly(ends.backend, 1) == b"x"
    if how == "finished":
        await ends.client.send_eof()
    else:
        copying.scope.cancel()
    await copying.wait()
    assert ends.pair.up.leave_relay is None


async def test_leaving_and_cancelled_at_once(leavable_rig: Rig) -> None:
    ends = await leavable_rig.join()
    copying = leavable_rig.copy(ends.pair.up)
    await clog(ends.client, bytes(10_000_000))
    assert ends.pair.up.leave_relay is not None
    ends.pair.up.leave_relay()
    copying.scope.cancel()
    assert await copying.wait() is None


async def test_source_that_resets_after_leaving(leavable_rig: Rig) -> None:
    ends = await leavable_rig.join()
    copying = leavable_rig.copy(ends.pair.up)
    await clog(ends.client, PAYLOAD * 10)
    assert ends.pair.up.leave_relay is not None
    ends.pair.up.leave_relay()
    ends.backend.reset()
    assert await copying.wait() is Outcome.SINK_BROKE
