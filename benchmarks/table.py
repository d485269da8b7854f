"""One table: a row for each figure, a column for each peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers import PEERS, REFERENCE
from benchmarks.works import WORKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.samples import Samples, Summary

#: How to read a cell.
LEGEND = (
    "A cell is the median of all rounds; the median of the ratios to HAProxy, each within a round; "
    "and their spread, half the distance between the least and the greatest as a share of the "
    "median. HAProxy's own spread is that of its values."
)

_NOTHING = "–"
_HUNDRED, _TEN = 100, 10


def rows(samples: Samples, peers: Iterable[str]) -> list[list[str]]:
    """Return the lines of the table, the first with the titles.

    A figure that was measured through nobody has no line.
    """
    names = list(peers)
    lines = [["work", "figure", *(PEERS[name].title for name in names)]]
    for work in WORKS.values():
        for figure in work.figures:
            cells = [cell(samples, work.name, figure, name) for name in names]
            if any(one != _NOTHING for one in cells):
                lines.append([work.name, figure, *cells])
    return lines


def cell(samples: Samples, work: str, figure: str, peer: str) -> str:
    """Write one figure of one peer, such as `15.2 ×1.07 ±3%`."""
    value = samples.value(work, figure, peer)
    if value is None:
        return _NOTHING
    ratio = samples.ratio(work, figure, peer, REFERENCE)
    if ratio is None or peer == REFERENCE:
        return number(value.median) + _spread(value)
    return f"{number(value.median)} ×{ratio.median:.2f}{_spread(ratio)}"


def _spread(values: Summary) -> str:
    return f" ±{values.spread:.0%}" if values.count > 1 else ""


def number(value: float) -> str:
    """Write a figure with about three digits."""
    if value >= _HUNDRED:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= _TEN else f"{value:.2f}"


def as_text(lines: Sequence[Sequence[str]]) -> str:
    """Align the columns for a terminal."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = (
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
    return "\n".join(aligned)


def as_markdown(lines: Sequence[Sequence[str]]) -> str:
    """Write a table of Markdown."""
    head, *body = lines
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body))
