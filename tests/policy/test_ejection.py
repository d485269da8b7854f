from __future__ import annotations

import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_health import OutlierConfig
from trio_balancer.policy.ejection import Ejection, most_ejected, room_for_one_more

CONFIG = OutlierConfig(failures=5, ejection=30.0, max_ejection=100.0)


def eject(ejection: Ejection, now: float, config: OutlierConfig = CONFIG) -> float:
    """Eject, let it end; return how long it lasted."""
    ejection.begin(config, now, "refused")
    assert ejection.until is not None
    until = ejection.until
    ejection.end(until)
    return until - now


def test_each_ejection_is_longer_up_to_the_longest() -> None:
    ejection = Ejection()
    now, lengths = 0.0, []
    for _ in range(5):
        lengths.append(eject(ejection, now))
        now += lengths[-1] + 1.0
    assert lengths == [30.0, 60.0, 90.0, 100.0, 100.0]
    assert ejection.total == 5


def test_a_long_good_time_is_rewarded() -> None:
    ejection = Ejection()
    assert eject(ejection, 0.0) == 30.0
    assert eject(ejection, 30.0 + 99.9) == 60.0
    assert eject(ejection, 30.0 + 99.9 + 60.0 + 100.1) == 30.0


def test_with_no_longest_ejection_they_grow_for_ever() -> None:
    ejection = Ejection()
    endless = attrs.evolve(CONFIG, max_ejection=math.inf)
    lengths = [eject(ejection, 1e6 * number, endless) for number in range(3)]
    assert lengths == [30.0, 60.0, 90.0]


def test_the_end_forgives_the_failures() -> None:
    ejection = Ejection(failures=5)
    eject(ejection, 0.0)
    assert ejection.failures == 0
    assert ejection.until is None


@pytest.mark.parametrize(
    ("failures", "reason"),
    [(1, "ejected after 1 failure: refused"), (5, "ejected after 5 failures in a row: refused")],
)
def test_the_reason_is_for_people(failures: int, reason: str) -> None:
    ejection = Ejection(failures=failures)
    ejection.begin(CONFIG, 0.0, "refused")
    assert ejection.reason == reason


@pytest.mark.parametrize(
    ("backends", "percent", "most"),
    [
        (1, 100, 0),
        (2, 50, 1),
        (2, 10, 1),
        (2, 0, 1),
        (3, 50, 1),
        (4, 50, 2),
        (10, 29, 2),
        (3, 100, 3),
    ],
)
def test_the_cap(backends: int, percent: float, most: int) -> None:
    assert most_ejected(backends, percent) == most


@given(st.integers(1, 300), st.floats(0, 100))
def test_the_cap_is_the_share_or_one(backends: int, percent: float) -> None:
    most = most_ejected(backends, percent)
    assert most <= max(1, backends * percent / 100)
    assert most >= min(1, backends - 1)


def test_room_for_one_more() -> None:
    fleet = [Ejection() for _ in range(4)]
    for ejection in fleet[:2]:
        assert room_for_one_more(fleet, 50.0)
        ejection.begin(CONFIG, 0.0, "refused")
    assert not room_for_one_more(fleet, 50.0)
    fleet[0].end(30.0)
    assert room_for_one_more(fleet, 50.0)
