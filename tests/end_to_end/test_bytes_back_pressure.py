"""A reader that stops stops the writer: memory does not grow, and no byte is lost."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.joined import LOOPBACK
from support.memory import MIB, resident
from support.plain import CHUNK, accept, dial, listen
from support.process import Process, balancer, config_text

from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

    from trio.socket import SocketType

SIZE = 50 * MIB
# Seconds without a byte taken after which the way counts as full.
FULL_AFTER = 0.3


@attrs.define(eq=False)
class Upload:
    """A large payload on its way."""

    sock: SocketType
    payload: bytes
    sent: int = 0

    async def run(self) -> None:
        view = memoryview(self.payload)
        while self.sent < len(view):
            self.sent += await self.sock.send(view[self.sent :])
        self.sock.shutdown(trio.socket.SHUT_WR)

    async def wait_stuck(self) -> None:
        before = -1
        while before != self.sent:
            before = self.sent
            await trio.sleep(FULL_AFTER)


async def digest(sock: SocketType) -> str:
    """Receive to the end without keeping it."""
    received = hashlib.sha256()
    while data := await sock.recv(CHUNK):
        received.update(data)
    return received.hexdigest()


async def push(process: Process, sender: SocketType, reader: SocketType, seed: int) -> int:
    """Send with the reader stopped, then let it read; returns how much the memory grew."""
    upload = Upload(sender, random.Random(seed).randbytes(SIZE))
    before = resident(process.pid)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(upload.run)
        await upload.wait_stuck()
        assert 0 < upload.sent < SIZE
        grown = resident(process.pid) - before
        assert await digest(reader) == hashlib.sha256(upload.payload).hexdigest()
    return max(grown, resident(process.pid) - before)


@pytest.mark.heavy
async def test_stopped_reader_does_not_grow_the_balancer(tmp_path: Path) -> None:
    backends = listen(LOOPBACK)
    with backends, balancer(tmp_path, config_text(backends.getsockname()[1])) as process:
        address = inet_address("127.0.0.1", process.port)
        growth = []
        # The first round each way warms up: buffers, pipes and code come to stay.
        for number in range(4):
            client = await dial(address)
            backend = await accept(backends)
            sender, reader = (client, backend) if number % 2 else (backend, client)
            with client, backend, trio.fail_after(30):
                growth.append(await push(process, sender, reader, number))
        assert max(growth[2:]) < MIB
        assert process.stop() == 0
