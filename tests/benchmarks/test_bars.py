import pytest

from benchmarks import bars
from benchmarks.bars import BARS, FAIL, PASS, UNKNOWN, Bar
from benchmarks.peers import PEERS
from benchmarks.samples import Samples
from benchmarks.works import WORKS


def _samples(ours: float, theirs: float) -> Samples:
    samples = Samples()
    samples.add(0, "work", "balancer", {"figure": ours})
    samples.add(0, "work", "haproxy", {"figure": theirs})
    return samples


@pytest.mark.parametrize(("ours", "verdict"), [(12.0, PASS), (12.1, FAIL)])
def test_at_most(ours: float, verdict: str) -> None:
    assert Bar("work", "figure", 1.2).verdict(_samples(ours, 10.0)) == verdict


@pytest.mark.parametrize(("ours", "verdict"), [(13.0, PASS), (12.9, FAIL)])
def test_at_least(ours: float, verdict: str) -> None:
    assert Bar("work", "figure", 1.3, least=True).verdict(_samples(ours, 10.0)) == verdict


def test_a_bar_without_a_peer_is_for_the_value_itself() -> None:
    assert Bar("work", "figure", 11, to=None).verdict(_samples(10.9, 1.0)) == PASS


def test_a_peer_that_was_not_measured_is_neither_passed_nor_failed() -> None:
    assert Bar("work", "figure", 1, to="uvloop").verdict(_samples(1.0, 1.0)) == UNKNOWN


def test_a_demand_is_written_out() -> None:
    assert Bar("work", "figure", 2.2, aim=1.8).demand() == "≤ 2.2 × HAProxy, aim at 1.8"
    assert Bar("work", "figure", 11, to=None).demand() == "≤ 11"
    assert Bar("work", "figure", 0.95, least=True).demand() == "≥ 0.95 × HAProxy"


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: f"{bar.work} {bar.figure} {bar.to}")
def test_every_bar_is_for_a_figure_that_is_measured(bar: Bar) -> None:
    assert bar.figure in WORKS[bar.work].figures
    assert bar.to is None or bar.to in PEERS


def test_a_line_for_each_bar() -> None:
    samples = Samples()
    samples.add(0, "idle", "balancer", {"KiB/connection": 12.0})
    lines = bars.rows(samples)
    assert len(lines) == 1 + len(BARS)
    assert lines[-1] == ["idle", "KiB/connection", "≤ 11, aim at 8", "12.0", FAIL]
    assert lines[1][3:] == ["–", UNKNOWN]
