from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.flow.meters import WINDOW, Availability, EventRate, RecentMean, percentile


def test_a_rate_is_of_the_last_second() -> None:
    rate = EventRate()
    for moment in (10.0, 10.1, 10.9, 11.2):
        rate.count(moment)
    assert (rate.total, rate.highest) == (4, 3)
    assert rate.at(11.5) == 1 + round(3 * 0.5)
    assert rate.at(12.0) == 1
    assert rate.at(14.0) == 0


def test_nothing_has_no_rate() -> None:
    rate = EventRate()
    assert (rate.total, rate.at(5.0), rate.highest) == (0, 0, 0)


def test_a_quiet_second_between_is_seen() -> None:
    rate = EventRate()
    rate.count(1.0)
    rate.count(3.5)
    assert rate.at(3.5) == 1


def test_the_highest_can_be_forgotten() -> None:
    rate = EventRate()
    for _ in range(5):
        rate.count(1.0)
    rate.forget_highest()
    rate.count(1.5)
    assert (rate.total, rate.highest) == (6, 1)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60).map(sorted))
def test_the_highest_is_that_of_any_second_of_the_clock(moments: list[float]) -> None:
    rate = EventRate()
    for moment in moments:
        rate.count(moment)
    seconds = [int(moment) for moment in moments]
    assert rate.highest == max(seconds.count(second) for second in seconds)
    assert 0 <= rate.at(moments[-1]) <= len(moments)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=50))
def test_a_mean_of_few_is_exact(values: list[float]) -> None:
    recent = RecentMean()
    for value in values:
        recent.add(value)
    assert recent.mean == pytest.approx(statistics.fmean(values))
    assert recent.highest == max(values)


def test_a_mean_of_many_forgets() -> None:
    recent = RecentMean()
    for value in [100.0] * 5000 + [1.0] * (8 * WINDOW):
        recent.add(value)
    assert recent.mean == pytest.approx(1.0, abs=0.1)
    assert recent.highest == 100.0


def test_availability_adds_up() -> None:
    state = Availability()
    state.note(1.0, up=True)
    assert (state.changed_at, state.downtime(5.0)) == (None, 0.0)
    state.note(10.0, up=False)
    state.note(11.0, up=False)
    assert (state.up, state.changed_at, state.times_down) == (False, 10.0, 1)
    assert state.downtime(12.0) == 2.0
    state.note(13.0, up=True)
    state.note(20.0, up=False)
    assert (state.times_down, state.downtime(21.0)) == (2, 4.0)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, None),
        ([1.0], 99, 1.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_percentiles(values: list[float], percent: int, expected: float | None) -> None:
    assert percentile(values, percent) == expected
