from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from trio_balancer.policy.selectors import WeightedRandom

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress


def test_each_is_drawn_in_proportion_to_its_weight(
    backends: Callable[..., tuple[Backend, ...]], client: InetAddress
) -> None:
    selector, among = WeightedRandom(random.Random(5)), backends(1, 2, 7)
    chosen = Counter(selector.choose(among, client, 0.0).name for _ in range(10000))
    assert [chosen[name] / 10000 for name in "abc"] == pytest.approx([0.1, 0.2, 0.7], abs=0.02)


def test_the_same_generator_makes_the_same_choices(
    backends: Callable[..., tuple[Backend, ...]], client: InetAddress
) -> None:
    among = backends(1, 1, 1)
    one, other = WeightedRandom(random.Random(5)), WeightedRandom(random.Random(5))
    assert all(
        one.choose(among, client, 0.0) is other.choose(among, client, 0.0) for _ in range(20)
    )
