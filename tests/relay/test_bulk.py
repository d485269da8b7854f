"""When bulk goes through a pipe, and what becomes of it where a pipe or a kernel fails."""

from __future__ import annotations

import errno
import os
import random
import socket
from typing import TYPE_CHECKING

import attrs
import pytest
from support.eventually import eventually
from support.rig import (
    BUFFER,
    Ends,
    Rig,
    clog,
    open_rig,
    receive_exactly,
    receive_to_end,
    say,
)

from trio_balancer.network.kernel import os_error
from trio_balancer.relay import Outcome
from trio_balancer.relay.pipes import HAVE_SPLICE, MAX_PIPES, Pipe, PipePool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not HAVE_SPLICE, reason="this system has no splice")

PAYLOAD = random.Random(1).randbytes(400_000)
REFUSALS = [errno.EINVAL, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP]


@attrs.define(eq=False)
class Splices:
    """Counts the calls of `os.splice`, and lets some fail."""

    filled: int = 0
    emptied: int = 0
    failing: Callable[[bool], int] = lambda _filling: 0

    def __call__(self, source: int, sink: int, count: int, *, flags: int) -> int:
        filling = os.fstat(sink).st_mode & 0o170000 == 0o010000  # into a FIFO
        code = self.failing(filling)
        if code:
            raise os_error(code)
        moved = splice(source, sink, count, flags=flags)
        if filling:
            self.filled += moved
        else:
            self.emptied += moved
        return moved


if HAVE_SPLICE:
    splice = os.splice


@pytest.fixture
def splices(monkeypatch: pytest.MonkeyPatch) -> Splices:
    made = Splices()
    monkeypatch.setattr(os, "splice", made)
    return made


@pytest.fixture
async def splice_rig(tmp_path: Path, eager_splice: None) -> AsyncIterator[Rig]:
    async with open_rig("splice-ipv4", tmp_path) as made:
        yield made


def pool(rig: Rig) -> PipePool:
    assert rig.relay.pipes is not None
    return rig.relay.pipes


async def move(rig: Rig, ends: Ends, data: bytes = PAYLOAD) -> None:
    """Copy to the end, and check all of it."""
    copying = rig.copy(ends.pair.up)
    rig.nursery.start_soon(say, ends.client, data)
    assert await receive_to_end(ends.backend) == data
    assert await copying.wait() is Outcome.FINISHED
    assert ends.pair.client.received == ends.pair.backend.sent == len(data)


async def test_bulk_is_spliced(tmp_path: Path, splices: Splices) -> None:
    """With the real thresholds: all but the first few buffers."""
    async with open_rig("splice-ipv4", tmp_path) as rig:
        ends = await rig.join()
        for stream in rig.made:
            grow(stream.socket)
        await move(rig, ends, PAYLOAD * 20)
        assert splices.filled == splices.emptied > len(PAYLOAD) * 10


def grow(sock: socket.socket | None) -> None:
    """Give it room for a whole buffer of the relay's, and more."""
    assert sock is not None
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)


async def test_small_messages_are_not(splice_rig: Rig, splices: Splices) -> None:
    ends = await splice_rig.join()
    splice_rig.copy(ends.pair.up)
    for _ in range(20):
        await ends.client.send_all(b"x" * 100)
        assert await receive_exactly(ends.backend, 100) == b"x" * 100
    assert splices.filled == 0


async def test_no_longer_when_the_pieces_are_small(splice_rig: Rig, splices: Splices) -> None:
    ends = await splice_rig.join()
    splice_rig.copy(ends.pair.up)
    await ends.client.send_all(PAYLOAD[: 4 * BUFFER])
    assert await receive_exactly(ends.backend, 4 * BUFFER) == PAYLOAD[: 4 * BUFFER]
    for _ in range(10):
        await ends.client.send_all(b"x" * 100)
        assert await receive_exactly(ends.backend, 100) == b"x" * 100
    spliced = splices.filled
    assert 0 < spliced < 4 * BUFFER + 1000
    await ends.client.send_all(b"received now")
    assert await receive_exactly(ends.backend, 12) == b"received now"
    assert splices.filled == spliced


async def test_pipe_is_lent_only_while_it_holds_something(splice_rig: Rig) -> None:
    ends = await splice_rig.join()
    splice_rig.copy(ends.pair.up)
    await ends.client.send_all(PAYLOAD[: 6 * BUFFER])
    assert await receive_exactly(ends.backend, 6 * BUFFER) == PAYLOAD[: 6 * BUFFER]
    assert pool(splice_rig).lent == 0
    sent = await clog(ends.client, PAYLOAD * 10)
    assert pool(splice_rig).lent == 1
    assert await receive_exactly(ends.backend, sent) == (PAYLOAD * 10)[:sent]
    assert pool(splice_rig).lent == 0


async def test_end_of_file_with_bytes_still_in_the_pipe(splice_rig: Rig) -> None:
    ends = await splice_rig.join()
    copying = splice_rig.copy(ends.pair.up)
    sent = await clog(ends.client, PAYLOAD * 10)
    await ends.client.send_eof()
    assert pool(splice_rig).lent == 1
    assert await receive_to_end(ends.backend) == (PAYLOAD * 10)[:sent]
    assert await copying.wait() is Outcome.FINISHED


# Kernels that refuse


@pytest.mark.parametrize("code", REFUSALS)
async def test_refused_by_the_source(splice_rig: Rig, splices: Splices, code: int) -> None:
    splices.failing = lambda filling: code if filling else 0
    asked = 0

    def refuse(_filling: bool) -> int:  # noqa: FBT001 - as it is called
        nonlocal asked
        asked += 1
        return code

    splices.failing = refuse
    await move(splice_rig, await splice_rig.join())
    assert asked == 1
    assert pool(splice_rig).lent == 0


@pytest.mark.parametrize("code", REFUSALS)
async def test_refused_by_the_sink(splice_rig: Rig, splices: Splices, code: int) -> None:
    """Bytes are in the pipe then, and go on by hand."""
    splices.failing = lambda filling: 0 if filling else code
    await move(splice_rig, await splice_rig.join())
    assert 0 < splices.filled <= 1 << 20
    assert pool(splice_rig).lent == 0


@pytest.mark.parametrize("code", REFUSALS)
async def test_refused_by_the_sink_when_it_is_full(
    splice_rig: Rig, splices: Splices, code: int
) -> None:
    ends = await splice_rig.join()
    copying = splice_rig.copy(ends.pair.up)
    sent = await clog(ends.client, PAYLOAD * 10)
    splices.failing = lambda _filling: code
    received = await receive_exactly(ends.backend, sent)
    assert received == (PAYLOAD * 10)[:sent]
    assert pool(splice_rig).lent == 0
    await say(ends.client, b"and on")
    assert await receive_to_end(ends.backend) == b"and on"
    assert await copying.wait() is Outcome.FINISHED


async def test_refused_by_a_full_sink_that_stays_full(splice_rig: Rig, splices: Splices) -> None:
    """What cannot be sent by hand either waits for the sink, in order."""
    refused = False

    def refuse_late(filling: bool) -> int:  # noqa: FBT001 - as it is called
        nonlocal refused
        refused = not filling and splices.emptied > 5 * BUFFER
        return errno.EINVAL if refused else 0

    splices.failing = refuse_late
    ends = await splice_rig.join()
    copying = splice_rig.copy(ends.pair.up)
    sent = await clog(ends.client, PAYLOAD * 10)
    assert refused
    assert ends.pair.up.sending
    assert pool(splice_rig).lent == 0
    await ends.client.send_eof()
    assert await receive_to_end(ends.backend) == (PAYLOAD * 10)[:sent]
    assert await copying.wait() is Outcome.FINISHED


@pytest.mark.parametrize("filling", [True, False])
async def test_other_errors_are_a_broken_leg(
    splice_rig: Rig,
    splices: Splices,
    filling: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    splices.failing = lambda is_filling: errno.ECONNRESET if is_filling is filling else 0
    ends = await splice_rig.join()
    copying = splice_rig.copy(ends.pair.up)
    splice_rig.nursery.start_soon(clog, ends.client, PAYLOAD)
    expected = Outcome.SOURCE_BROKE if filling else Outcome.SINK_BROKE
    assert await copying.wait() is expected
    assert ends.pair.broken is (ends.pair.client if filling else ends.pair.backend)
    assert pool(splice_rig).lent == 0


# No pipe to be had


async def test_goes_on_copying_while_all_pipes_are_lent(splice_rig: Rig, splices: Splices) -> None:
    lent = [pool(splice_rig).borrow() for _ in range(MAX_PIPES)]
    await move(splice_rig, await splice_rig.join())
    assert splices.filled == 0
    for pipe in lent:
        assert pipe is not None
        pool(splice_rig).give_back(pipe)
    await move(splice_rig, await splice_rig.join())
    assert splices.filled > 0


async def test_goes_on_copying_without_descriptors(
    splice_rig: Rig, splices: Splices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_flags: int) -> tuple[int, int]:
        raise os_error(errno.EMFILE)

    monkeypatch.setattr(os, "pipe2", fail)
    await move(splice_rig, await splice_rig.join())
    assert splices.filled == 0


async def test_more_stalled_ways_than_pipes(
    splice_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool(splice_rig), "_limit", 1)
    everybody = [await splice_rig.join() for _ in range(3)]
    sent = []
    for ends in everybody:
        splice_rig.copy(ends.pair.up)
        sent.append(await clog(ends.client, PAYLOAD * 10))
    await eventually(lambda: pool(splice_rig).lent == 1)
    for ends, count in zip(everybody, sent, strict=True):
        assert await receive_exactly(ends.backend, count) == (PAYLOAD * 10)[:count]


async def test_pipe_of_a_cancelled_way_is_not_used_again(splice_rig: Rig) -> None:
    """It holds the bytes of a stranger."""
    ends = await splice_rig.join()
    copying = splice_rig.copy(ends.pair.up)
    await clog(ends.client, PAYLOAD * 10)
    copying.scope.cancel()
    await copying.wait()
    pipe = pool(splice_rig).borrow()
    assert isinstance(pipe, Pipe)
    assert pipe.held == 0
    pool(splice_rig).give_back(pipe)
    await move(splice_rig, await splice_rig.join())
