"""Tables for people, as wide as the terminal and no wider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import attrs

from trio_balancer.control.ctl.terminal import Style, Terminal
from trio_balancer.control.ctl.text import columns, fit, harmless, pad

T = TypeVar("T")

_GAP = "  "
#: A stretching column keeps so much, or goes; the first one may be cut to so much.
_LEAST_STRETCH = 12
_LEAST_FIRST = 24


@attrs.frozen
class Cell:
    """A text and how it looks."""

    text: str = ""
    style: Style = Style.PLAIN


@attrs.frozen
class Column(Generic[T]):
    """A column of a table of `T`.

    Where a terminal is too narrow, columns with the highest `drop` go first, and the first column
    never. `stretch` marks the one that is cut before any is dropped: it has the text for people.
    """

    title: str
    cell: Callable[[T], Cell]
    right: bool = False
    drop: int = 0
    stretch: bool = False


@attrs.define(eq=False)
class _Strip:
    """A column with its cells, and the room that it gets."""

    title: str
    cells: list[Cell]
    right: bool
    drop: int
    stretch: bool
    room: int
    least: int

    def write(self, cell: Cell, terminal: Terminal) -> str:
        text = pad(fit(cell.text, self.room), self.room, right=self.right)
        return terminal.paint(text, cell.style)


def write_table(
    table: Sequence[Column[T]], rows: Sequence[T], terminal: Terminal
) -> tuple[str, list[str]]:
    """Write a table: the line of its titles, and one line per row.

    A column that has nothing in it is left out.
    """
    strips = [_strip(column, rows, is_first=column is table[0]) for column in table]
    strips = [strip for strip in strips if not rows or any(cell.text for cell in strip.cells)]
    if terminal.width is not None:
        strips = _fit(strips, terminal.width)
    head = _join([strip.write(Cell(strip.title, Style.BOLD), terminal) for strip in strips])
    lines = [
        _join([strip.write(strip.cells[index], terminal) for strip in strips])
        for index in range(len(rows))
    ]
    return head, lines


def _strip(column: Column[T], rows: Sequence[T], *, is_first: bool) -> _Strip:
    cells = [_harmless(column.cell(row)) for row in rows]
    room = max(columns(text) for text in (column.title, *(cell.text for cell in cells)))
    least = _LEAST_STRETCH if column.stretch else _LEAST_FIRST if is_first else room
    stretch = column.stretch
    return _Strip(column.title, cells, column.right, column.drop, stretch, room, min(room, least))


def _harmless(cell: Cell) -> Cell:
    return Cell(harmless(cell.text), cell.style)


def _fit(strips: list[_Strip], width: int) -> list[_Strip]:
    """Drop columns until the rest fits; then cut the one that stretches, and at last the first."""
    while len(strips) > 1 and _total(strip.least for strip in strips) > width:
        # Of equal ones the last goes first.
        strips.remove(max(reversed(strips[1:]), key=lambda strip: strip.drop))
    for strip in strips:
        if strip.stretch:
            _cut(strip, strips, width, strip.least)
    if strips:
        _cut(strips[0], strips, width, 1)
    return strips


def _cut(strip: _Strip, strips: list[_Strip], width: int, least: int) -> None:
    excess = _total(each.room for each in strips) - width
    if excess > 0:
        strip.room = max(strip.room - excess, least)


def _total(rooms: Iterable[int]) -> int:
    """Add up columns and the gaps between them."""
    return sum(room + len(_GAP) for room in rooms) - len(_GAP)


def _join(cells: list[str]) -> str:
    return _GAP.join(cells).rstrip(" ")
