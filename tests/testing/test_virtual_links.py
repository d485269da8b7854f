from __future__ import annotations

from ipaddress import ip_address

import pytest
import trio
from trio.testing import MockClock

from trio_balancer.testing.virtual_link import Place, VirtualLink
from trio_balancer.testing.virtual_links import VirtualLinks, find_place
from trio_balancer.wire.address import UnixAddress, inet_address

A, B = inet_address("10.0.0.1", 80), inet_address("10.0.0.2", 80)
NAMES = {"db.example": [inet_address("10.0.0.1", 0), inet_address("10.0.0.9", 0)]}


def make(*ends: Place, latency: float = 0, loss: float = 0) -> VirtualLink:
    one, other = ends
    return VirtualLink((one, other), latency=latency, bandwidth=1, loss=loss, retransmit=1)


def test_the_last_link_that_fits_counts() -> None:
    links = VirtualLinks(seed=0)
    assert links.between(A, B) is None
    everywhere, special, elsewhere = (
        *(make(None, None), make(frozenset({A}), None), make(frozenset({UnixAddress("/x")}), None)),
    )
    for link in (everywhere, special, elsewhere):
        links.add(link)
    assert links.between(A, B) is special
    assert links.between(B, B) is everywhere
    assert links.version == 3


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("*", None),
        ("10.0.0.1", {ip_address("10.0.0.1")}),
        ("fd00::1", {ip_address("fd00::1")}),
        ("[fd00::1]:80", {inet_address("fd00::1", 80)}),
        ("10.0.0.1:80", {A}),
        ("unix:/run/a", {UnixAddress("/run/a")}),
        ("db.example", {ip_address("10.0.0.1"), ip_address("10.0.0.9")}),
        ("db.example:80", {A, inet_address("10.0.0.9", 80)}),
        (A, {A}),
        (ip_address("10.0.0.1"), {ip_address("10.0.0.1")}),
    ],
)
def test_places(where: str, place: set[object] | None) -> None:
    assert find_place(where, NAMES) == place


@pytest.mark.parametrize("where", ["no.example", "no.example:80", "", "10.0.0.1:99999"])
def test_no_place(where: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        find_place(where, NAMES)


def test_a_name_that_is_not_known_is_named() -> None:
    with pytest.raises(ValueError, match=r"no such place: 'no\.example:80'"):
        find_place("no.example:80", NAMES)


async def test_a_dial_takes_there_and_back(autojump_clock: MockClock) -> None:
    links = VirtualLinks(seed=0)
    assert await links.shake_hands(A, B) == 0
    links.add(make(None, None))
    assert await links.shake_hands(A, B) == 0
    assert trio.current_time() == 0
    links.add(make(None, None, latency=0.25))
    assert await links.shake_hands(A, B) == 0.25
    assert trio.current_time() == 0.5


async def test_a_lost_dial_is_sent_again(autojump_clock: MockClock) -> None:
    taken = []
    links = VirtualLinks(seed=5)
    links.add(make(None, None, loss=0.7))
    for _ in range(20):
        before = trio.current_time()
        await links.shake_hands(A, B)
        taken.append(trio.current_time() - before)
    # 1 s, then 2 s more, then 4 s more
    assert {0, 1, 3, 7} <= set(taken) <= {2**n - 1 for n in range(20)}


async def test_a_cut_on_the_way_is_waited_for(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    links, link = VirtualLinks(seed=0), make(None, None, latency=1)
    links.add(link)

    async def cut() -> None:
        await trio.sleep(1)
        with link.partition():
            await trio.sleep(10)

    nursery.start_soon(cut)
    await links.shake_hands(A, B)
    assert trio.current_time() == 13
