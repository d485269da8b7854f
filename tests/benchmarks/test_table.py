import pytest

from benchmarks import table
from benchmarks.samples import Samples


def _two_rounds() -> Samples:
    samples = Samples()
    for round_, (ours, theirs) in enumerate([(20.0, 10.0), (44.0, 20.0)]):
        samples.add(round_, "idle", "balancer", {"KiB/connection": ours})
        samples.add(round_, "idle", "haproxy", {"KiB/connection": theirs})
    return samples


def test_a_cell_has_median_ratio_and_spread() -> None:
    samples = _two_rounds()
    assert table.cell(samples, "idle", "KiB/connection", "balancer") == "32.0 ×2.10 ±5%"
    assert table.cell(samples, "idle", "KiB/connection", "haproxy") == "15.0 ±33%"
    assert table.cell(samples, "idle", "KiB/connection", "nginx") == "–"


def test_one_round_has_no_spread() -> None:
    samples = Samples()
    samples.add(0, "idle", "balancer", {"KiB/connection": 3.0})
    assert table.cell(samples, "idle", "KiB/connection", "balancer") == "3.00"


def test_only_figures_that_somebody_has_make_a_line() -> None:
    assert table.rows(_two_rounds(), ["balancer", "haproxy", "nginx"]) == [
        ["work", "figure", "trio-balancer", "HAProxy", "nginx stream"],
        ["idle", "KiB/connection", "32.0 ×2.10 ±5%", "15.0 ±33%", "–"],
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.254, "0.25"), (9.99, "9.99"), (15.24, "15.2"), (51234.4, "51,234")]
)
def test_numbers_have_about_three_digits(value: float, text: str) -> None:
    assert table.number(value) == text


def test_text_is_aligned() -> None:
    assert table.as_text([["a", "bb"], ["ccc", "d"]]) == "a    bb\nccc  d"


def test_markdown() -> None:
    assert table.as_markdown([["a", "b"], ["c", "d"]]) == "| a | b |\n| --- | --- |\n| c | d |"
