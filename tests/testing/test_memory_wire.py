from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.testing.memory_courier import Courier
from trio_balancer.testing.memory_wire import Item, Mark, Wire
from trio_balancer.testing.virtual_link import VirtualLink
from trio_balancer.testing.virtual_links import VirtualLinks
from trio_balancer.wire.address import inet_address

A, B = inet_address("10.0.0.1", 1), inet_address("10.0.0.2", 2)


class Rig:
    """A wire, and what it has brought with the time."""

    def __init__(self, **properties: float) -> None:
        numbers = {"latency": 0, "bandwidth": float("inf"), "loss": 0, "retransmit": 0.25}
        self.link = VirtualLink((None, None), **(numbers | properties))
        links = VirtualLinks(seed=1)
        links.add(self.link)
        self.wire = Wire(links, Courier(), A, B, name="1/up")
        self.wire.deliver = self.deliver
        self.brought: list[tuple[float, Item]] = []

    def deliver(self, item: Item) -> None:
        self.brought.append((trio.current_time(), item))


async def test_items_arrive_in_order(autojump_clock: MockClock) -> None:
    rig = Rig(latency=1)
    assert not rig.wire.is_clear
    for item in (b"a", b"b", Mark.FIN):
        rig.wire.carry(item)
    assert rig.wire.load == 2
    await trio.sleep(2)
    assert rig.brought == [(1, b"a"), (1, b"b"), (1, Mark.FIN)]
    assert rig.wire.load == 0


async def test_a_perfect_link_is_clear_once_nothing_is_on_its_way(
    autojump_clock: MockClock,
) -> None:
    rig = Rig(latency=1)
    rig.wire.carry(b"a")
    rig.link.change(latency=0)
    assert not rig.wire.is_clear
    await trio.sleep(2)
    assert rig.wire.is_clear


async def test_what_is_being_sent_is_sent(autojump_clock: MockClock) -> None:
    rig = Rig(bandwidth=1000)
    rig.wire.carry(bytes(3000))
    rig.wire.drop_unsent()
    assert rig.wire.load == 1460
    rig.wire.carry(Mark.RESET)
    await trio.sleep(5)
    assert rig.brought == [(1.46, bytes(1460)), (1.46, Mark.RESET)]
    rig.wire.drop_unsent()
    assert rig.wire.load == 0


async def test_pauses_double_and_begin_again(autojump_clock: MockClock) -> None:
    rig = Rig(loss=0.6)
    for _ in range(50):
        rig.wire.carry(b"a")
    await trio.sleep(80_000)
    times = [time for time, _item in rig.brought]
    pauses = {after - before for before, after in pairwise(times)}
    assert {0, 0.25, 0.75, 1.75} <= pauses <= {0.25 * (2**n - 1) for n in range(12)}


async def test_the_longest_pause(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_balancer.testing.memory_wire.LONGEST_PAUSE", 0.25)
    rig = Rig(loss=0.8)
    for _ in range(5):
        rig.wire.carry(b"a")
    await trio.sleep(1000)
    assert len(rig.brought) == 5
    assert all(time % 0.25 == 0 for time, _item in rig.brought)


async def test_a_cut_takes_back_what_was_on_its_way(autojump_clock: MockClock) -> None:
    rig = Rig(latency=1)
    rig.wire.carry(b"a")
    rig.wire.carry(b"b")
    with rig.link.partition():
        await trio.sleep(5)
        rig.wire.carry(b"c")
        assert rig.wire.load == 3
    await trio.sleep(5)
    assert rig.brought == [(6, b"a"), (6, b"b"), (6, b"c")]


async def test_without_a_link_items_arrive_soon(autojump_clock: MockClock) -> None:
    brought: list[Item] = []
    wire = Wire(VirtualLinks(seed=1), Courier(), A, B, name="1/up")
    wire.deliver = brought.append
    assert wire.is_clear
    wire.carry(b"a")
    assert brought == []
    await wait_all_tasks_blocked()
    assert brought == [b"a"]
    assert trio.current_time() == 0
