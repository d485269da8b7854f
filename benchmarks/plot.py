"""A plot of the main figures as SVG: bars of the ratio to HAProxy, a panel for each figure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import attrs

from benchmarks import works
from benchmarks.peers import OURS, PEERS, REFERENCE
from benchmarks.table import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.samples import Samples


@attrs.frozen
class Panel:
    """A figure to show; `unit` stands behind its value."""

    work: str
    figure: str
    title: str
    unit: str


PANELS = (
    Panel("keep-alive-64", works.CPU_PER_REQUEST, "CPU per request, 64 connections", "µs"),
    Panel("keep-alive-64", works.RATE_OF_REQUESTS, "Requests/s, 64 connections", "/s"),
    Panel("new-connections", works.CPU_PER_CONNECTION, "CPU per new connection", "µs"),
    Panel("keep-alive-1000", works.P99, "99th percentile, 1000 connections", "ms"),
    Panel("bulk-1", works.CPU_PER_GIGABYTE, "CPU per gigabyte, one stream", "s"),
    Panel("bulk-1", works.THROUGHPUT, "Throughput, one stream", "Gbit/s"),
)
_MORE_IS_BETTER = {works.RATE_OF_REQUESTS, works.THROUGHPUT}

# Pixels.
_COLUMNS = 2
_PANEL_WIDTH = 440
_NAME_WIDTH = 120
_BAR_WIDTH = 174
_ROW = 19
_HEAD = 26
_GAP = 14

# Longer bars are cut here; an arrow says so.
_LONGEST = 3.0
_ONE = _NAME_WIDTH + _BAR_WIDTH / _LONGEST

# Backgrounds are transparent: the page's own is seen, light or dark.
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.bar { fill: #8c959f; }
.ours { fill: #0969da; }
.one { stroke: #57606a; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .bar { fill: #6e7681; }
  .ours { fill: #4493f8; }
  .one { stroke: #9198a1; }
}
"""


def plot(samples: Samples, peers: Iterable[str]) -> str:
    """Draw every panel whose figure was measured."""
    names = [name for name in peers if PEERS[name].version is not None]
    drawn = [(panel, _ratios(samples, panel, names)) for panel in PANELS]
    panels = [(panel, ratios) for panel, ratios in drawn if ratios]
    height = _HEAD + len(names) * _ROW + _GAP
    lines = -(-len(panels) // _COLUMNS)
    return "\n".join(
        [
            _open(_COLUMNS * _PANEL_WIDTH, lines * height),
            f"<style>{_STYLE}</style>",
            *(
                _panel(panel, ratios, index % _COLUMNS * _PANEL_WIDTH, index // _COLUMNS * height)
                for index, (panel, ratios) in enumerate(panels)
            ),
            "</svg>\n",
        ]
    )


def _ratios(samples: Samples, panel: Panel, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return by peer the ratio to HAProxy and the value."""
    found = {}
    for name in names:
        value = samples.value(panel.work, panel.figure, name)
        ratio = samples.ratio(panel.work, panel.figure, name, REFERENCE)
        if value is not None and ratio is not None:
            found[name] = (ratio.median, value.median)
    return found


def _open(width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" '
        'aria-label="The main figures as ratios to HAProxy">'
    )


def _panel(panel: Panel, ratios: dict[str, tuple[float, float]], x: int, y: int) -> str:
    better = "more" if panel.figure in _MORE_IS_BETTER else "less"
    bottom = _HEAD + len(ratios) * _ROW
    parts = [
        f'<g transform="translate({x} {y})">',
        f'<text class="title" x="0" y="16">{escape(panel.title)} ({better} is better)</text>',
    ]
    for index, (name, (ratio, value)) in enumerate(ratios.items()):
        parts.append(_bar(name, ratio, f"{number(value)} {panel.unit}", _HEAD + index * _ROW))
    parts.append(f'<line class="one" x1="{_ONE:.0f}" x2="{_ONE:.0f}" y1="22" y2="{bottom}"/>')
    return "\n".join([*parts, "</g>"])


def _bar(name: str, ratio: float, value: str, y: int) -> str:
    width = _BAR_WIDTH * min(ratio, _LONGEST) / _LONGEST
    cut = "→ " if ratio > _LONGEST else ""
    kind = "bar ours" if name == OURS else "bar"
    baseline = y + 13
    # Beyond the line at 1 also where the bar does not reach it.
    after = max(_NAME_WIDTH + width, _ONE) + 6
    return (
        f'<text x="0" y="{baseline}">{escape(PEERS[name].title)}</text>'
        f'<rect class="{kind}" x="{_NAME_WIDTH}" y="{y + 3}" width="{width:.1f}" height="13"/>'
        f'<text x="{after:.1f}" y="{baseline}">'
        f"{cut}×{ratio:.2f} ({escape(value)})</text>"
    )
