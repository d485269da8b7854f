import math

import pytest

from benchmarks.samples import Samples, percentile, summary


def test_a_summary_has_the_median_and_the_extremes() -> None:
    found = summary([3.0, 1.0, 2.0])
    assert (found.count, found.median, found.low, found.high) == (3, 2.0, 1.0, 3.0)
    assert found.spread == 0.5


def test_zero_has_no_spread() -> None:
    assert summary([0.0]).spread == 0.0


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)]
)
def test_a_percentile_is_the_value_of_the_nearest_rank(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


def test_a_ratio_is_taken_within_each_round() -> None:
    samples = Samples()
    for round_, (ours, theirs) in enumerate([(10.0, 5.0), (100.0, 50.0), (3.0, 1.0)]):
        samples.add(round_, "work", "ours", {"cpu": ours})
        samples.add(round_, "work", "theirs", {"cpu": theirs})
    found = samples.ratio("work", "cpu", "ours", "theirs")
    assert found == summary([2.0, 2.0, 3.0])
    assert samples.value("work", "cpu", "ours") == summary([10.0, 100.0, 3.0])


def test_a_round_without_both_peers_gives_no_ratio() -> None:
    samples = Samples()
    samples.add(0, "work", "ours", {"cpu": 1.0})
    samples.add(1, "work", "theirs", {"cpu": 1.0})
    assert samples.ratio("work", "cpu", "ours", "theirs") is None


def test_what_was_never_measured_has_no_value() -> None:
    samples = Samples()
    samples.add(0, "work", "direct", {"cpu": math.nan, "rate": 5.0})
    assert samples.value("work", "cpu", "direct") is None
    assert samples.value("work", "rate", "direct") == summary([5.0])
