from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.selectors import SourceHash
from trio_balancer.wire.address import UnixAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import SocketAddress

    Backends = Callable[..., tuple[Backend, ...]]

CLIENTS = [inet_address(f"10.{i // 250}.{i % 250}.1", 1) for i in range(5000)]
SELECTOR = SourceHash()


def choose(among: tuple[Backend, ...], client: SocketAddress) -> Backend:
    return SELECTOR.choose(among, client, 0.0)


def test_the_choice_is_the_same_for_ever(backends: Backends) -> None:
    # Were this to change, an upgrade would move every client of every installation.
    among = backends(1, 1, 2)
    assert "".join(choose(among, client).name for client in CLIENTS[:20]) == "ccabaaabbcacccccacab"


def test_the_port_does_not_matter_and_unix_clients_are_one(backends: Backends) -> None:
    among = backends(*[1] * 8)
    ports = {choose(among, inet_address("2001:db8::1", port)) for port in range(50)}
    paths = {choose(among, UnixAddress(f"/run/{number}")) for number in range(50)}
    assert len(ports) == len(paths) == 1


def test_the_order_of_the_file_does_not_matter(backends: Backends) -> None:
    among = backends(1, 2, 3)
    assert all(choose(among, c) is choose(among[::-1], c) for c in CLIENTS[:200])


@given(weights=st.lists(st.integers(1, 9), min_size=2, max_size=6), gone=st.integers(0, 5))
def test_only_the_clients_of_the_one_that_goes_move(
    weights: list[int], gone: int, backends: Backends
) -> None:
    among = backends(*weights)
    lost = among[gone % len(among)]
    rest = tuple(backend for backend in among if backend is not lost)
    moved = [c for c in CLIENTS[:100] if choose(among, c) is not choose(rest, c)]
    assert moved == [c for c in CLIENTS[:100] if choose(among, c) is lost]


def test_one_more_takes_its_share_from_everybody(backends: Backends) -> None:
    among = backends(*[1] * 5)
    moved = [c for c in CLIENTS if choose(among[:4], c) is not choose(among, c)]
    assert {choose(among, client) for client in moved} == {among[4]}
    assert len(moved) / len(CLIENTS) == pytest.approx(1 / 5, abs=0.02)
    before = Counter(choose(among[:4], client) for client in moved)
    assert min(before.values()) > len(moved) / 4 * 0.8


def test_weights_are_shares(backends: Backends) -> None:
    chosen = Counter(choose(backends(1, 2, 7), client).name for client in CLIENTS)
    shares = [chosen[name] / len(CLIENTS) for name in "abc"]
    assert shares == pytest.approx([0.1, 0.2, 0.7], abs=0.03)


def test_a_higher_weight_takes_clients_and_gives_none(backends: Backends) -> None:
    light, heavy = backends(1, 1, 1), backends(1, 1, 2)
    for client in CLIENTS[:500]:
        before, after = choose(light, client).name, choose(heavy, client).name
        assert after in {before, "c"}


def test_slow_start_moves_nobody(backends: Backends) -> None:
    among = backends(1, 1)
    before = [choose(among, client) for client in CLIENTS[:100]]
    among[0].slow_start.duration = 100.0
    among[0].slow_start.begin(0.0)
    assert [choose(among, client) for client in CLIENTS[:100]] == before
