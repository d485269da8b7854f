from xml.etree import ElementTree as ET

import pytest

from benchmarks.plot import PANELS, Panel, plot
from benchmarks.samples import Samples
from benchmarks.works import WORKS

_SVG = "{http://www.w3.org/2000/svg}"


def _parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - written by ourselves


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_every_panel_is_of_a_figure_that_is_measured(panel: Panel) -> None:
    assert panel.figure in WORKS[panel.work].figures


def test_bars_are_ratios_and_the_longest_are_cut() -> None:
    samples = Samples()
    for peer, value in {"balancer": 15.0, "haproxy": 10.0, "trio": 60.0}.items():
        samples.add(0, "keep-alive-64", peer, {"CPU µs/request": value})
    picture = _parsed(plot(samples, ["balancer", "haproxy", "trio", "direct"]))
    widths = [float(bar.attrib["width"]) for bar in picture.iter(f"{_SVG}rect")]
    ours, theirs, cut = widths
    assert ours == pytest.approx(1.5 * theirs, rel=0.01)
    assert cut == pytest.approx(3 * theirs, rel=0.01)
    texts = [text.text for text in picture.iter(f"{_SVG}text")]
    assert "×1.50 (15.0 µs)" in texts
    assert "→ ×6.00 (60.0 µs)" in texts


def test_what_was_not_measured_has_no_panel() -> None:
    picture = _parsed(plot(Samples(), ["balancer"]))
    assert not list(picture.iter(f"{_SVG}g"))
