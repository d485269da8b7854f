from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from trio_balancer.policy.selectors import RandomTwo

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress

    Backends = Callable[..., tuple[Backend, ...]]


def test_the_two_are_different_so_the_most_loaded_is_never_taken(
    backends: Backends, client: InetAddress
) -> None:
    selector, among = RandomTwo(random.Random(5)), backends(1, 1, 1)
    for load, backend in enumerate(among):
        backend.active = load
    chosen = Counter(selector.choose(among, client, 0.0).name for _ in range(6000))
    # a is one of the two in two of three draws, and wins; b wins when a is not drawn.
    assert chosen["c"] == 0
    assert chosen["a"] / 6000 == pytest.approx(2 / 3, abs=0.03)


def test_without_load_it_is_a_weighted_draw(backends: Backends, client: InetAddress) -> None:
    selector, among = RandomTwo(random.Random(5)), backends(1, 3)
    chosen = Counter(selector.choose(among, client, 0.0).name for _ in range(6000))
    assert chosen["b"] / 6000 == pytest.approx(0.75, abs=0.03)


def test_load_is_per_weight(backends: Backends, client: InetAddress) -> None:
    light, heavy = among = backends(1, 10)
    light.active, heavy.active = 1, 9
    assert RandomTwo(random.Random(5)).choose(among, client, 0.0) is heavy


def test_one_candidate_is_enough(backends: Backends, client: InetAddress) -> None:
    (only,) = among = backends(1)
    assert RandomTwo(random.Random(5)).choose(among, client, 0.0) is only


def test_it_is_far_more_even_than_chance(backends: Backends, client: InetAddress) -> None:
    selector, among = RandomTwo(random.Random(5)), backends(*[1] * 10)
    for _ in range(5000):
        selector.choose(among, client, 0.0).active += 1
    loads = [backend.active for backend in among]
    assert max(loads) - min(loads) <= 10
