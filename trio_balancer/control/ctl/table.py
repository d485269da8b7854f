"""Tables for people, as wide as the terminal and no wider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

import attrs

from trio_balancer.control.ctl.terminal import Style, Terminal
from trio_balancer.control.ctl.text import columns, fit, harmless, pad

T = TypeVar("T")

_GAP = "  "


@attrs.frozen
class Cell:
    """A text and how it looks."""

    text: str = ""
    style: Style = Style.PLAIN


@attrs.frozen
class Column(Generic[T]):
    """A column of a table of `T`.

    Where a terminal is too narrow, the widest of those that may be cut are cut to as little as
    `least` (None: never), by `cut`. Where that is not enough, columns with the highest `drop` go
    first, and the first column never.
    """

    title: str
    cell: Callable[[T], Cell]
    right: bool = False
    drop: int = 0
    least: int | None = None
    cut: Callable[[str, int], str] = fit


@attrs.define(eq=False)
class _Strip:
    """A column with its cells, and the room that it gets."""

    title: str
    cells: list[Cell]
    right: bool
    drop: int
    cut: Callable[[str, int], str]
    room: int
    least: int

    def write(self, cell: Cell, terminal: Terminal) -> str:
        return self._write(self.cut(cell.text, self.room), cell.style, terminal)

    def write_title(self, terminal: Terminal) -> str:
        return self._write(fit(self.title, self.room), Style.BOLD, terminal)

    def _write(self, text: str, style: Style, terminal: Terminal) -> str:
        return terminal.paint(pad(text, self.room, right=self.right), style)


def write_table(
    table: Sequence[Column[T]], rows: Sequence[T], terminal: Terminal
) -> tuple[str, list[str]]:
    """Write a table: the line of its titles, and one line per row.

    A column that has nothing in it is left out.
    """
    strips = [_strip(column, rows) for column in table]
    strips = [strip for strip in strips if not rows or any(cell.text for cell in strip.cells)]
    if terminal.width is not None:
        strips = _fit(strips, terminal.width)
    head = _join([strip.write_title(terminal) for strip in strips])
    lines = [
        _join([strip.write(strip.cells[index], terminal) for strip in strips])
        for index in range(len(rows))
    ]
    return head, lines


def _strip(column: Column[T], rows: Sequence[T]) -> _Strip:
    cells = [_harmless(column.cell(row)) for row in rows]
    room = max(columns(text) for text in (column.title, *(cell.text for cell in cells)))
    least = room if column.least is None else min(room, column.least)
    return _Strip(column.title, cells, column.right, column.drop, column.cut, room, least)


def _harmless(cell: Cell) -> Cell:
    return Cell(harmless(cell.text), cell.style)


def _fit(strips: list[_Strip], width: int) -> list[_Strip]:
    """Drop columns until the rest can be cut to fit; then cut the widest, and at last the first."""
    while len(strips) > 1 and _total(strip.least for strip in strips) > width:
        # Of equal ones the last goes first.
        strips.remove(max(reversed(strips[1:]), key=lambda strip: strip.drop))
    for strip in strips:
        strip.room = min(strip.room, max(width, strip.least))
    while _total(strip.room for strip in strips) > width:
        may_be_cut = [strip for strip in strips if strip.room > strip.least] or strips[:1]
        max(may_be_cut, key=lambda strip: strip.room).room -= 1
    return strips


def _total(rooms: Iterable[int]) -> int:
    """Add up columns and the gaps between them."""
    return sum(room + len(_GAP) for room in rooms) - len(_GAP)


def _join(cells: list[str]) -> str:
    return _GAP.join(cells).rstrip(" ")
