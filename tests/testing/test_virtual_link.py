from __future__ import annotations

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.testing import MemoryNetwork, VirtualLink
from trio_balancer.wire.address import UnixAddress, inet_address

A, B = inet_address("10.0.0.1", 80), inet_address("10.0.0.2", 80)


@pytest.fixture
def link() -> VirtualLink:
    return MemoryNetwork().link("10.0.0.1", "10.0.0.2:80")


def test_it_joins_both_ways(link: VirtualLink) -> None:
    assert link.joins(A, B)
    assert link.joins(B, A)
    assert link.joins(inet_address("10.0.0.1", 5), B)
    assert not link.joins(A, inet_address("10.0.0.2", 81))
    assert not link.joins(A, A)
    assert not link.joins(UnixAddress("/a"), B)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"latency": -1.0}, "latency"),
        ({"latency": math.inf}, "latency"),
        ({"bandwidth": 0.0}, "bandwidth"),
        ({"bandwidth": math.nan}, "bandwidth"),
        ({"loss": 1.0}, "loss"),
        ({"loss": -0.1}, "loss"),
        ({"retransmit": 0.0}, "retransmit"),
    ],
)
def test_numbers_that_cannot_be_change_nothing(
    link: VirtualLink, change: dict[str, float], about: str
) -> None:
    with pytest.raises(ValueError, match=about):
        link.change(**change)
    assert link.is_perfect


def test_what_is_not_given_stays(link: VirtualLink) -> None:
    link.change(latency=1, loss=0.5)
    link.change(loss=0)
    link.change(bandwidth=200_000, retransmit=1)
    assert (link.latency, link.bandwidth, link.loss, link.retransmit) == (1, 200_000, 0, 1)
    assert not link.is_perfect


def test_pieces_are_small_enough_to_take_turns(link: VirtualLink) -> None:
    assert link.piece == 1 << 30
    link.change(bandwidth=1_000_000)
    assert link.piece == 10_000
    link.change(bandwidth=1000)
    assert link.piece == 1460
    link.change(bandwidth=math.inf, loss=0.1)
    assert link.piece == 1460


async def test_each_direction_has_its_own_bandwidth(
    autojump_clock: MockClock, link: VirtualLink
) -> None:
    link.change(bandwidth=1000)
    assert [link.occupy(A, 500), link.occupy(A, 500), link.occupy(B, 100)] == [0.5, 1, 0.1]
    await trio.sleep(10)
    assert link.occupy(A, 500) == 10.5


async def test_partitions_are_nested(autojump_clock: MockClock, link: VirtualLink) -> None:
    async with trio.open_nursery() as nursery:
        with link.partition():
            nursery.start_soon(link.wait_healed)
            with link.partition():
                pass
            assert link.is_cut
            await wait_all_tasks_blocked()
            assert nursery.child_tasks
    assert not link.is_cut
