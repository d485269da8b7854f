"""Cancelled at any scheduling step, a TLS leg leaks nothing, and never seems to have ended."""

from __future__ import annotations

import ssl
from contextlib import suppress
from itertools import count
from pathlib import Path

import attrs
import pytest
import trio
from support.tls import HOST, VERSIONS, Rig, memory_ends

from trio_balancer.network import PeerReset
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.testing import MemoryStream

ANSWER = bytes(200_000)  # more than the window takes at once
FEWEST_STEPS = 15


class CancelAtStep(trio.abc.Instrument):
    """Cancels `scope` after so many steps of all tasks."""

    def __init__(self, step: int) -> None:
        self.left = step
        self.scope = trio.CancelScope()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.scope.cancel()


@attrs.define(eq=False)
class Story:
    """A server that answers and ends, cancelled at some step; and what its client sees."""

    rig: Rig
    how: str
    dialled: MemoryStream = attrs.field(init=False)
    accepted: MemoryStream = attrs.field(init=False)
    received: bytearray = attrs.field(factory=bytearray)
    ended: bool = False
    answered: bool = False

    async def run(self, instrument: CancelAtStep) -> None:
        self.dialled, self.accepted = memory_ends()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._receive)
            with instrument.scope:
                await self._answer()
            getattr(self.accepted, self.how)()

    async def _answer(self) -> None:
        server = await self.rig.server.accept(self.accepted)
        assert await server.receive_some() == b"question"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.receive_some)
            await server.send_all(ANSWER)
            await server.send_eof()
        self.answered = True

    async def _receive(self) -> None:
        with suppress(PeerReset, TlsError):
            client = await self.rig.client.connect(self.dialled, HOST)
            await client.send_all(b"question")
            while data := await client.receive_some():
                self.received += data
            self.ended = True
        self.dialled.close()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("how", ["reset", "close"])
def test_cancelled_at_any_step(tmp_path: Path, version: ssl.TLSVersion, how: str) -> None:
    rig = Rig(tmp_path, version)
    for step in count(1):
        instrument = CancelAtStep(step)
        story = Story(rig, how)
        trio.run(story.run, instrument, instruments=[instrument])
        assert story.dialled.closed
        assert story.accepted.closed
        if story.ended:
            assert story.received == ANSWER
        if instrument.left > 0:
            assert story.answered
            break
    assert step > FEWEST_STEPS
