"""What a copy tells of a leg that broke: what was delivered before is passed on, no end is."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio
from support.eventually import eventually
from support.plain import is_broken
from support.rig import (
    TCP,
    Ends,
    Rig,
    clog,
    nothing_comes,
    receive_exactly,
    receive_to_end,
    say,
)

from trio_balancer.network import SocketStream, Stream
from trio_balancer.relay import Outcome

WORDS = bytes(range(256)) * 20


def broke(leg: Stream) -> bool:
    """Whether a reset has reached a leg of ours; it is not consumed. Memory is at once."""
    return not isinstance(leg, SocketStream) or is_broken(leg.socket)


@pytest.mark.parametrize("data", [b"", b"last words", WORDS])
async def test_source_that_resets(tcp_rig: Rig, data: bytes) -> None:
    ends = await tcp_rig.join()
    copying = tcp_rig.copy(ends.pair.up)
    await ends.client.send_all(data)
    assert await receive_exactly(ends.backend, len(data)) == data
    ends.client.reset()
    assert await copying.wait() is Outcome.SOURCE_BROKE
    assert not ends.pair.up.finished
    assert await nothing_comes(ends.backend)


@pytest.mark.parametrize("data", [b"", b"last words", WORDS])
@pytest.mark.parametrize("told", [False, True])
async def test_bytes_and_a_reset_that_were_there_before(
    tcp_rig: Rig,
    data: bytes,
    told: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Both are one event, or one that was `told` when nobody read yet."""
    ends = await tcp_rig.join()
    if told:
        ends.pair.client.call_on_reset(lambda: None)
    await ends.client.send_all(data)
    await eventually(lambda: ends.client.unsent() == 0 or ends.client.socket is None)
    ends.client.reset()
    await eventually(lambda: broke(ends.pair.client))
    if told:
        assert await nothing_comes(ends.backend)
    copying = tcp_rig.copy(ends.pair.up)
    assert await copying.wait() is Outcome.SOURCE_BROKE
    assert await receive_exactly(ends.backend, len(data)) == data
    assert await nothing_comes(ends.backend)


async def test_bytes_and_a_reset_in_one_event(tcp_rig: Rig) -> None:
    ends = await tcp_rig.join()
    copying = tcp_rig.copy(ends.pair.up)
    await ends.client.send_all(b"warm")
    assert await receive_exactly(ends.backend, 4) == b"warm"
    # No task runs in between.
    if ends.client.socket is not None:
        ends.client.socket.send(WORDS)
        ends.client.reset()
        await copying.wait()
        assert copying.outcome is Outcome.SOURCE_BROKE
        # The reset throws away what has not left the client: on the loopback, nothing.
        assert await receive_exactly(ends.backend, len(WORDS)) == WORDS
    else:
        ends.client.reset()
        assert await copying.wait() is Outcome.SOURCE_BROKE
    assert await nothing_comes(ends.backend)


async def test_sink_that_has_reset_before_bytes(tcp_rig: Rig) -> None:
    ends = await tcp_rig.join()
    copying = tcp_rig.copy(ends.pair.up)
    ends.backend.reset()
    await eventually(lambda: broke(ends.pair.backend))
    await ends.client.send_all(b"too late")
    assert await copying.wait() is Outcome.SINK_BROKE
    assert not ends.pair.up.finished


async def test_sink_that_has_reset_before_the_end_of_file(tcp_rig: Rig) -> None:
    ends = await tcp_rig.join()
    copying = tcp_rig.copy(ends.pair.up)
    ends.backend.reset()
    await eventually(lambda: broke(ends.pair.backend))
    await ends.client.send_eof()
    assert await copying.wait() is Outcome.SINK_BROKE
    assert not ends.pair.up.finished


@pytest.mark.parametrize("prefix", [b"early", bytes(1_000_000)])
async def test_sink_that_has_reset_before_the_prefix(tcp_rig: Rig, prefix: bytes) -> None:
    ends = await tcp_rig.join()
    ends.backend.reset()
    await eventually(lambda: broke(ends.pair.backend))
    assert await tcp_rig.copy(ends.pair.up, prefix).wait() is Outcome.SINK_BROKE


async def test_sink_that_resets_under_a_stalled_write(tcp_rig: Rig) -> None:
    ends = await tcp_rig.join()
    copying = tcp_rig.copy(ends.pair.up)
    await clog(ends.client, bytes(10_000_000))
    ends.backend.reset()
    assert await copying.wait() is Outcome.SINK_BROKE


async def test_source_that_resets_behind_a_stalled_write(tcp_rig: Rig) -> None:
    """What we had taken goes on once the sink takes it; the reset comes after that."""
    ends = await tcp_rig.join()
    copying = tcp_rig.copy(ends.pair.up)
    await clog(ends.client, bytes(10_000_000))
    ends.client.reset()
    await eventually(lambda: broke(ends.pair.client))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_to_end, ends.backend)
        assert await copying.wait() is Outcome.SOURCE_BROKE
        assert ends.pair.client.received == ends.pair.backend.sent
        nursery.cancel_scope.cancel()
    assert not ends.pair.up.finished


@pytest.mark.parametrize("after", ["end of file", "both ends of file"])
async def test_reset_after_an_end_of_file(tcp_rig: Rig, after: str) -> None:
    ends = await tcp_rig.join()
    up = tcp_rig.copy(ends.pair.up)
    await say(ends.client, b"question")
    assert await receive_to_end(ends.backend) == b"question"
    assert await up.wait() is Outcome.FINISHED
    down = tcp_rig.copy(ends.pair.down)
    if after == "both ends of file":
        await ends.backend.send_eof()
        assert await down.wait() is Outcome.FINISHED
        ends.client.reset()  # after both, nothing is left to be reset
        return
    ends.client.reset()
    await eventually(lambda: broke(ends.pair.client))
    await ends.backend.send_all(b"answer")
    assert await down.wait() is Outcome.SINK_BROKE


async def test_no_end_of_file_is_passed_on_once_the_pair_is_known_to_be_broken(
    tcp_rig: Rig,
) -> None:
    for broken, outcome in ((0, Outcome.SOURCE_BROKE), (1, Outcome.SINK_BROKE)):
        ends = await tcp_rig.join()
        ends.pair.mark_broken((ends.pair.client, ends.pair.backend)[broken])
        await ends.client.send_eof()
        assert await tcp_rig.copy(ends.pair.up).wait() is outcome
        assert await nothing_comes(ends.backend)


class ResetsWhenRead:
    """A socket in whose place, at its next bytes, the peer at the other end resets."""

    def __init__(self, sock: socket.socket, ends: Ends) -> None:
        self._socket = sock
        self._ends = ends

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        data = self._socket.recv(size)
        self._reset(len(data))
        return data

    def recv_into(self, buffer: memoryview) -> int:
        count = self._socket.recv_into(buffer)
        self._reset(count)
        return count

    def _reset(self, count: int) -> None:
        if count:
            self._ends.client.reset()
            while not broke(self._ends.pair.client):
                pass


# Not in memory, where nothing happens between two steps of a task.
@pytest.mark.parametrize("tcp_rig", TCP[1:], indirect=True)
async def test_reset_that_the_other_way_was_told_is_no_end_of_file(tcp_rig: Rig) -> None:
    """The client resets between the moment when the answer is received and when it is sent.

    The send is told, and the way from the client sees what looks like an end-of-file, before any
    task of ours runs.
    """
    ends = await tcp_rig.join()
    assert isinstance(ends.pair.backend, SocketStream)
    copies = [tcp_rig.copy(ends.pair.up), tcp_rig.copy(ends.pair.down)]
    await ends.client.send_all(b"question")
    assert await receive_exactly(ends.backend, 8) == b"question"
    sock = ends.pair.backend.socket
    ends.pair.backend.socket = ResetsWhenRead(sock, ends)  # type: ignore[assignment] # a stand-in
    await ends.backend.send_all(b"answer")
    assert await copies[1].wait() is Outcome.SINK_BROKE
    assert await copies[0].wait() is Outcome.SOURCE_BROKE
    ends.pair.backend.socket = sock
    assert await nothing_comes(ends.backend)
