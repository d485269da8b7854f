from __future__ import annotations

from bisect import bisect_left

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.control.admin.histograms import (
    LONG_TIMES,
    MOST_DEPARTED,
    SHORT_TIMES,
    SIZES,
    Histogram,
    Histograms,
)
from trio_balancer.flow.record import FINISHED, Counts, Record
from trio_balancer.wire.address import inet_address

RECORD = Record(
    number=1,
    listener="web",
    client=inet_address("10.0.0.9", 1234),
    address=inet_address("10.0.0.1", 80),
    accepted_at=0.0,
    total_time=2.0,
    ending=FINISHED,
    reason="",
    counts=Counts(1, 1, 1, 1),
    pool="app",
    backend="one",
    queue_time=0.002,
    connect_time=0.02,
    bytes_up=100,
    bytes_down=5000,
)


def told(histogram: Histogram) -> dict[tuple[str, ...], tuple[int, float]]:
    """Count and sum the values of each combination of labels."""
    return {
        labels: (distribution.cumulative()[-1], distribution.sum)
        for labels, distribution in histogram.values.items()
    }


def test_a_connection_counts_everywhere() -> None:
    histograms = Histograms()
    histograms.add(RECORD)
    assert told(histograms.queue) == {("app",): (1, 0.002)}
    assert told(histograms.connect) == {("app", "one"): (1, 0.02)}
    assert told(histograms.total) == {("web",): (1, 2.0)}
    assert told(histograms.up) == {("web",): (1, 100)}
    assert told(histograms.down) == {("web",): (1, 5000)}


@pytest.mark.parametrize(
    "record",
    [
        attrs.evolve(RECORD, pool=None),
        attrs.evolve(RECORD, queue_time=None, connect_time=None),
        attrs.evolve(RECORD, queue_time=None, backend=None),
    ],
    ids=["no pool", "not chosen", "no backend"],
)
def test_what_was_not_reached_is_not_counted(record: Record) -> None:
    histograms = Histograms()
    histograms.add(record)
    assert told(histograms.total) == {("web",): (1, 2.0)}
    assert told(histograms.queue) == told(histograms.connect) == {}


@pytest.mark.parametrize("bounds", [SHORT_TIMES, LONG_TIMES, SIZES])
def test_bounds_grow(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))


@given(st.lists(st.floats(0, 1e6)))
def test_each_value_lies_in_its_bucket(values: list[float]) -> None:
    histogram = Histogram("name", "help", ("label",), SHORT_TIMES)
    for value in values:
        histogram.add(("a",), value)
    if values:
        cumulative = histogram.values["a",].cumulative()
        for bound, count in zip(SHORT_TIMES, cumulative[:-1], strict=True):
            assert count == sum(value <= bound for value in values)
        assert cumulative[-1] == len(values)
        assert bisect_left(SHORT_TIMES, SHORT_TIMES[0]) == 0


def test_who_left_lately_is_remembered_and_who_left_long_ago_is_not() -> None:
    histogram = Histogram("name", "help", ("label",), SHORT_TIMES)
    # Names made up for every deployment; "old" leaves late, although it came first.
    for number in range(MOST_DEPARTED + 1):
        for name in ("old", f"new-{number}"):
            histogram.add((name,), 1.0)
        histogram.settle({("old",)})
    assert len(histogram.values) == MOST_DEPARTED + 1
    histogram.settle(())
    assert len(histogram.values) == MOST_DEPARTED
    assert told(histogram)["old",] == (MOST_DEPARTED + 1, MOST_DEPARTED + 1)
    assert ("new-0",) not in histogram.values


def test_all_of_them_are_settled() -> None:
    histograms = Histograms()
    histograms.add(RECORD)
    kinds = {histogram.labels for histogram in histograms.all()}
    for _ in range(2):
        histograms.settle(dict.fromkeys(kinds, ()))
    assert all(told(histogram) for histogram in histograms.all())
