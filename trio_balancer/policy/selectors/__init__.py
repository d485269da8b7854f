"""The selectors, one file each: given who may serve, whom to choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model import Policy
from trio_balancer.policy.selectors.first import First
from trio_balancer.policy.selectors.least_connections import LeastConnections
from trio_balancer.policy.selectors.peak_ewma import PeakEwma
from trio_balancer.policy.selectors.random_two import RandomTwo
from trio_balancer.policy.selectors.round_robin import RoundRobin
from trio_balancer.policy.selectors.selector import Selector
from trio_balancer.policy.selectors.source_hash import SourceHash
from trio_balancer.policy.selectors.weighted_random import WeightedRandom

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = [
    "First",
    "LeastConnections",
    "PeakEwma",
    "RandomTwo",
    "RoundRobin",
    "Selector",
    "SourceHash",
    "WeightedRandom",
    "make_selector",
]


_KINDS: dict[Policy, Callable[[random.Random], Selector]] = {
    Policy.ROUND_ROBIN: lambda _rng: RoundRobin(),
    Policy.LEAST_CONNECTIONS: lambda _rng: LeastConnections(),
    Policy.RANDOM: WeightedRandom,
    Policy.RANDOM_TWO: RandomTwo,
    Policy.SOURCE_HASH: lambda _rng: SourceHash(),
    Policy.FIRST: lambda _rng: First(),
    Policy.PEAK_EWMA: lambda _rng: PeakEwma(),
}


def make_selector(policy: Policy, rng: random.Random) -> Selector:
    """Return a new selector of the kind that the pool's `policy` names."""
    return _KINDS[policy](rng)
