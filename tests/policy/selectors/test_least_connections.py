from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.selectors import LeastConnections

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress

    Backends = Callable[..., tuple[Backend, ...]]


@given(loads=st.lists(st.tuples(st.integers(1, 256), st.integers(0, 99)), min_size=1, max_size=8))
def test_nobody_has_fewer_leases_per_weight(
    loads: list[tuple[int, int]], backends: Backends, client: InetAddress
) -> None:
    among = backends(*(weight for weight, _ in loads))
    for backend, (_, active) in zip(among, loads, strict=True):
        backend.active = active
    best = LeastConnections().choose(among, client, 0.0)
    assert all(best.active * other.weight <= other.active * best.weight for other in among)


@given(weights=st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_connections_that_stay_are_shared_by_weight(
    weights: list[int], backends: Backends, client: InetAddress
) -> None:
    selector, among = LeastConnections(), backends(*weights)
    for _ in range(3 * sum(weights)):
        selector.choose(among, client, 0.0).active += 1
    assert [backend.active for backend in among] == [3 * weight for weight in weights]


def test_connections_that_come_one_at_a_time_are_shared_by_weight_too(
    backends: Backends, client: InetAddress
) -> None:
    selector, among = LeastConnections(), backends(3, 1)
    assert "".join(selector.choose(among, client, 0.0).name for _ in range(8)) == "aabaaaba"


def test_who_returns_empty_does_not_get_everything_in_slow_start(
    backends: Backends, client: InetAddress
) -> None:
    selector, among = LeastConnections(), backends(1, 1, 1)
    among[0].active = among[1].active = 100
    among[2].slow_start.duration = 100.0
    among[2].slow_start.begin(0.0)
    for _ in range(30):
        selector.choose(among, client, 0.0).active += 1
    assert among[2].active <= 12
