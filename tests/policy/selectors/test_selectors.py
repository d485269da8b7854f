from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model import Policy
from trio_balancer.policy import selectors
from trio_balancer.policy.selectors import make_selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        ("round-robin", selectors.RoundRobin),
        ("least-connections", selectors.LeastConnections),
        ("random", selectors.WeightedRandom),
        ("random-two", selectors.RandomTwo),
        ("source-hash", selectors.SourceHash),
        ("first", selectors.First),
        ("peak-ewma", selectors.PeakEwma),
    ],
)
def test_every_policy_has_its_selector(policy: str, kind: type) -> None:
    assert type(make_selector(Policy(policy), random.Random())) is kind


@given(
    policy=st.sampled_from(Policy), weights=st.lists(st.integers(1, 256), min_size=1, max_size=9)
)
def test_every_selector_chooses_one_of_the_candidates(
    policy: Policy,
    weights: list[int],
    backends: Callable[..., tuple[Backend, ...]],
    client: InetAddress,
) -> None:
    among = backends(*weights)
    selector = make_selector(policy, random.Random(3))
    assert all(selector.choose(among, client, float(now)) in among for now in range(5))
