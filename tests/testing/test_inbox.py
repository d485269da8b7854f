from __future__ import annotations

import math

import pytest
import trio
from support.harness_site import settle
from trio.testing import MockClock

from trio_balancer.network import PeerReset
from trio_balancer.testing import MemoryStream, memory_connection
from trio_balancer.testing.inbox import CAPACITY, Inbox
from trio_balancer.testing.link import Condition, Link
from trio_balancer.wire.address import inet_address

CLIENT, SERVER = inet_address("10.0.0.9", 40000), inet_address("10.0.1.1", 80)


def make_inbox(
    nursery: trio.Nursery, window: int = 65536
) -> tuple[Inbox, Link, MemoryStream, MemoryStream]:
    inner, peer = memory_connection(CLIENT, SERVER, window=window)
    link = Link()
    return Inbox(inner, link, nursery.start_soon), link, inner, peer


async def test_without_a_latency_somebody_must_read(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, _link, _inner, peer = make_inbox(nursery)
    await peer.send_all(b"abc")
    assert [inbox.must_read] == [True]
    assert [inbox.due] == [math.inf]
    await inbox.read(100)
    assert [inbox.must_read] == [False]
    assert [inbox.has_bytes] == [True]
    assert inbox.due == -math.inf, "at once"
    assert inbox.hand_over(2) == b"ab"
    assert inbox.hand_over(2) == b"c"
    assert [inbox.has_bytes] == [False]
    assert [inbox.must_read] == [True]


async def test_with_a_latency_it_reads_ahead_until_that_heals(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, link, inner, peer = make_inbox(nursery)
    slow = Condition(latency=2)
    link.impose(slow)
    inbox.adapt()
    inbox.adapt()
    assert [inbox.must_read] == [False]
    await peer.send_all(b"abc")
    await settle()
    assert inbox.due == 2
    link.lift(slow)
    inbox.adapt()
    await settle()
    assert inbox.hand_over(10) == b"abc"
    await peer.send_all(b"later")
    await settle()
    assert [inbox.must_read] == [True]
    assert inner.has_unread(), "nobody reads ahead any more"


async def test_healed_and_slow_again_in_one_step(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, link, _inner, peer = make_inbox(nursery)
    slow = Condition(latency=2)
    link.impose(slow)
    inbox.adapt()
    await settle()
    link.lift(slow)
    inbox.adapt()
    link.impose(slow)
    inbox.adapt()
    await settle()
    await peer.send_all(b"abc")
    await settle()
    assert inbox.due == 2


async def test_it_holds_so_much_and_no_more(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, link, inner, peer = make_inbox(nursery, window=4 * CAPACITY)
    link.impose(Condition(latency=2))
    inbox.adapt()
    nursery.start_soon(peer.send_all, bytes(3 * CAPACITY))
    await settle()
    held = inner.received
    assert CAPACITY <= held < 2 * CAPACITY
    while inbox.has_bytes:
        inbox.hand_over(CAPACITY)
    await settle()
    assert inner.received > held, "what was handed over makes room"


async def test_an_end_of_file_and_a_reset_are_kept(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, link, _inner, peer = make_inbox(nursery)
    link.impose(Condition(latency=2))
    inbox.adapt()
    await peer.send_all(b"abc")
    await settle()
    peer.reset()
    await settle()
    assert inbox.hand_over(10) == b"abc"
    assert inbox.due == 2
    with pytest.raises(PeerReset):
        inbox.hand_over(10)

    inbox, _link, _inner, peer = make_inbox(nursery)
    await peer.send_eof()
    await inbox.read(10)
    assert inbox.hand_over(10) == b""


async def test_closed_below_it_stops_to_read_ahead(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, link, inner, _peer = make_inbox(nursery)
    slow = Condition(latency=2)
    link.impose(slow)
    inbox.adapt()
    await settle()
    link.lift(slow)
    inner.close()
    await settle()
    assert [inbox.must_read] == [True]
    with pytest.raises(trio.ClosedResourceError):
        await inbox.read(10)


async def test_a_rate_says_when_bytes_may_come(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    inbox, link, _inner, peer = make_inbox(nursery)
    link.impose(Condition(rate=100))
    await peer.send_all(bytes(20))
    await inbox.read(100)
    assert inbox.due == pytest.approx(0.05), "a twentieth of a second's worth"
    assert len(inbox.hand_over(100)) == 5
