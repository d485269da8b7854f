from __future__ import annotations

import random

import pytest

from trio_balancer.flow.jitter import jittered


@pytest.mark.parametrize(("share", "least", "most"), [(0.1, 9, 11), (0.5, 5, 15), (0.0, 10, 10)])
def test_it_uses_all_of_its_share_and_no_more(share: float, least: float, most: float) -> None:
    rng = random.Random(1)
    drawn = [jittered(10.0, rng, share) for _ in range(1000)]
    assert least <= min(drawn) <= least + 0.1
    assert most - 0.1 <= max(drawn) <= most


def test_for_ever_stays_for_ever() -> None:
    assert jittered(float("inf"), random.Random(1)) == float("inf")
