"""What only the epoll relay can get wrong: events, turns, shares, and whose bug it is."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from support.eventually import eventually
from support.rig import (
    BUFFER,
    Ends,
    Rig,
    clog,
    nothing_comes,
    open_rig,
    receive_exactly,
    receive_to_end,
    say,
)
from trio.testing import wait_all_tasks_blocked

from trio_balancer.network import SocketStream
from trio_balancer.network.poller import HAVE_EPOLL, Again, Poller
from trio_balancer.relay import Outcome
from trio_balancer.relay.bench import Bench
from trio_balancer.relay.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio_balancer.network import Stream

pytestmark = pytest.mark.skipif(not HAVE_EPOLL, reason="this system has no epoll")


@pytest.fixture(params=["epoll-ipv4", "splice-ipv4"])
async def epoll_rig(
    request: pytest.FixtureRequest, tmp_path: Path, eager_splice: None
) -> AsyncIterator[Rig]:
    async with open_rig(request.param, tmp_path) as made:
        yield made


def leg_socket(leg: Stream) -> tuple[SocketStream, socket.socket]:
    assert isinstance(leg, SocketStream)
    return leg, leg.socket


class Stand:
    """A socket with some methods replaced."""

    def __init__(self, leg: Stream, **methods: Any) -> None:  # noqa: ANN401 - functions
        stream, self._socket = leg_socket(leg)
        self._methods = methods
        stream.socket = self  # type: ignore[assignment] # a stand-in

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a socket has
        return self._methods.get(name) or getattr(self._socket, name)


class Bug(Exception):  # noqa: N818 - it is one
    pass


def buggy(*_args: object, **_kwargs: object) -> int:
    raise Bug


async def both_work(ends: Ends) -> None:
    for one, other in ((ends.client, ends.backend), (ends.backend, ends.client)):
        await one.send_all(b"x" * 100)
        assert await receive_exactly(other, 100) == b"x" * 100


# Whose bug it is


@pytest.mark.parametrize("method", ["send", "recv_into"])
async def test_bug_in_one_direction_wakes_that_copy_only(epoll_rig: Rig, method: str) -> None:
    ends, others = await epoll_rig.join(), await epoll_rig.join()
    up, down = epoll_rig.copy(ends.pair.up), epoll_rig.copy(ends.pair.down)
    epoll_rig.copy(others.pair.up)
    epoll_rig.copy(others.pair.down)
    await both_work(ends)
    Stand(ends.pair.backend if method == "send" else ends.pair.client, **{method: buggy})
    await ends.client.send_all(b"x")
    with pytest.raises(Bug):
        await up.wait()
    await ends.backend.send_all(b"the other way goes on")
    assert await receive_exactly(ends.client, 21) == b"the other way goes on"
    await both_work(others)
    assert not down.over.is_set()


async def test_bug_in_a_stalled_write(epoll_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = await epoll_rig.join()
    copying = epoll_rig.copy(ends.pair.up)
    sent = await clog(ends.client, bytes(10_000_000))
    monkeypatch.setattr(os, "splice", buggy)
    Stand(ends.pair.backend, send=buggy)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive_exactly, ends.backend, sent)
        with pytest.raises(Bug):
            await copying.wait()
        nursery.cancel_scope.cancel()
    assert not ends.pair.up.sending


async def test_bug_before_the_copy_is_parked(epoll_rig: Rig) -> None:
    ends = await epoll_rig.join()
    Stand(ends.pair.backend, send=buggy)
    with pytest.raises(Bug):
        await epoll_rig.copy(ends.pair.up, b"prefix").wait()


class Broken:
    def go_on(self) -> None:
        raise Bug


async def run_with_broken_poller(directory: Path) -> None:
    async with open_rig("epoll-ipv4", directory) as rig:
        ends = await rig.join()
        copies = [rig.copy(ends.pair.up), rig.copy(ends.pair.down)]
        await both_work(ends)
        assert rig.poller is not None
        rig.poller.again(Broken())
        await ends.client.send_all(b"wakes it")
        try:
            for copying in copies:
                await copying.wait()
        finally:
            rig.assert_nothing_is_left()
            for stream in rig.made:
                stream.close()


async def test_bug_in_the_poller_ends_all(tmp_path: Path) -> None:
    """It is no connection's own: whoever serves the network ends, and every copy with it."""
    with pytest.raises(ExceptionGroup) as caught:
        await run_with_broken_poller(tmp_path)
    assert caught.group_contains(Bug)


# Events


async def test_bytes_and_end_in_one_event_while_running(epoll_rig: Rig) -> None:
    ends = await epoll_rig.join()
    copying = epoll_rig.copy(ends.pair.up)
    await both_work_one_way(ends)
    _client, sock = leg_socket(ends.client)
    sock.send(b"last words")
    sock.shutdown(socket.SHUT_WR)
    assert await receive_to_end(ends.backend) == b"last words"
    assert await copying.wait() is Outcome.FINISHED


async def both_work_one_way(ends: Ends) -> None:
    await ends.client.send_all(b"x" * 100)
    assert await receive_exactly(ends.backend, 100) == b"x" * 100


async def test_descriptor_closed_within_a_batch_is_not_read(epoll_rig: Rig) -> None:
    """Its number may belong to somebody else by the time that its turn would come."""
    first, second = await epoll_rig.join(), await epoll_rig.join()
    copies = [epoll_rig.copy(ends.pair.up) for ends in (first, second)]
    await both_work_one_way(first)
    await both_work_one_way(second)
    _newcomer_client, newcomer = await epoll_rig.connect()
    _stream, old = leg_socket(second.pair.client)
    number = old.fileno()

    def replace() -> None:
        second.pair.client.close()
        os.dup2(leg_socket(newcomer)[1].fileno(), number)

    first.pair.client.call_on_reset(replace)
    # Both in one batch: no task runs in between.
    first.client.reset()
    leg_socket(second.client)[1].send(b"for who was closed")
    assert await copies[0].wait() is Outcome.SOURCE_BROKE
    await wait_all_tasks_blocked()
    assert not copies[1].over.is_set()
    assert second.pair.client.received == 100
    os.close(number)


async def test_urgent_data_neither_stalls_nor_ends_a_way(epoll_rig: Rig) -> None:
    """The urgent byte itself is not carried, as with anybody who reads a stream."""
    ends = await epoll_rig.join()
    copying = epoll_rig.copy(ends.pair.up)
    _client, sock = leg_socket(ends.client)
    for _ in range(5):
        sock.send(b"a" * 100)
        sock.send(b"!", socket.MSG_OOB)
        sock.send(b"b" * 100)
        assert await receive_exactly(ends.backend, 200) == b"a" * 100 + b"b" * 100
    await say(ends.client, b"end")
    assert await receive_to_end(ends.backend) == b"end"
    assert await copying.wait() is Outcome.FINISHED


@pytest.mark.parametrize("end", [False, True])
async def test_urgent_data_within_bulk(
    epoll_rig: Rig,
    end: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """`splice` stops before it, and says that nothing is there, or even that this is the end."""
    ends = await epoll_rig.join()
    client, sock = leg_socket(ends.client)
    await client.send_all(b"a" * 4 * BUFFER)
    sock.send(b"!", socket.MSG_OOB)
    await client.send_all(b"b" * BUFFER)
    if end:
        await client.send_eof()
    await eventually(lambda: client.unsent() == 0)
    copying = epoll_rig.copy(ends.pair.up)
    expected = b"a" * 4 * BUFFER + b"b" * BUFFER
    assert await receive_exactly(ends.backend, len(expected)) == expected
    if not end:
        await client.send_eof()
    assert await receive_to_end(ends.backend) == b""
    assert await copying.wait() is Outcome.FINISHED


# Turns and shares


@attrs.frozen
class Alone:
    """A transfer that nobody runs; `turns` are those that it has asked for."""

    ends: Ends
    transfer: Transfer
    turns: list[Again]


@pytest.fixture
async def alone(epoll_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Alone:
    ends = await epoll_rig.join()
    client, _ = leg_socket(ends.pair.client)
    backend, _ = leg_socket(ends.pair.backend)
    poller, turns = Poller(), list[Again]()
    monkeypatch.setattr(poller, "again", turns.append)
    transfer = Transfer(ends.pair.up, client, backend, Bench(poller, None))
    await ends.client.send_all(bytes(8 * BUFFER))
    await eventually(lambda: ends.client.unsent() == 0)
    return Alone(ends, transfer, turns)


async def test_a_turn_is_a_bounded_share(alone: Alone) -> None:
    alone.transfer.readable(ended=False)
    assert alone.ends.pair.client.received == 4 * BUFFER
    assert alone.turns == [alone.transfer]


async def test_events_give_no_turns_beside_the_one_that_was_asked_for(alone: Alone) -> None:
    for _ in range(3):
        alone.transfer.readable(ended=False)
    assert alone.ends.pair.client.received == 4 * BUFFER
    assert alone.turns == [alone.transfer]
    alone.transfer.go_on()
    assert alone.ends.pair.client.received == 8 * BUFFER


async def test_told_in_vain_that_the_sink_takes_bytes(epoll_rig: Rig) -> None:
    """An event may be older than the write that found the sink full."""
    ends = await epoll_rig.join()
    epoll_rig.copy(ends.pair.up)
    sent = await clog(ends.client, bytes(10_000_000))
    backend, _ = leg_socket(ends.pair.backend)
    for _ in range(3):
        assert backend.writer is not None
        backend.writer.writable()
    assert ends.pair.up.sending
    assert len(await receive_exactly(ends.backend, sent)) == sent


async def test_turn_after_the_end_is_nothing(epoll_rig: Rig) -> None:
    ends = await epoll_rig.join()
    copying = epoll_rig.copy(ends.pair.up)
    rest = epoll_rig.nursery
    rest.start_soon(say, ends.client, bytes(300_000))
    await receive_exactly(ends.backend, 100_000)
    copying.scope.cancel()
    await copying.wait()
    received = ends.pair.client.received
    await wait_all_tasks_blocked()
    assert ends.pair.client.received == received
    while not await nothing_comes(ends.backend):
        pass
