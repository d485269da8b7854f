"""The page that `top` shows: from the status and what the user chose to lines of the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from trio_balancer.control.ctl.columns import BACKENDS, FULL_NAME, LISTENERS, Backend
from trio_balancer.control.ctl.fields import Json, amount, parts, text
from trio_balancer.control.ctl.overview import backends_of, describe, removed_backends
from trio_balancer.control.ctl.table import write_table
from trio_balancer.control.ctl.terminal import Style, Terminal
from trio_balancer.control.ctl.text import fit, harmless, pad

if TYPE_CHECKING:
    from collections.abc import Sequence

Order = Callable[[Backend], tuple[float, str]]

_WORST_FIRST = {"down": 0, "drain": 1, "maintenance": 2}
_LAST = 9


def _state(backend: Backend) -> tuple[float, str]:
    return _WORST_FIRST.get(text(backend.data, "state"), _LAST), ""


def _name(backend: Backend) -> tuple[float, str]:
    return 0, f"{backend.pool}/{backend.name}"


def _most(key: str) -> Order:
    return lambda backend: (-amount(backend.data, key), "")


@attrs.frozen
class Sorting:
    """One way to sort: its key, its name for people, and the order."""

    letter: str
    name: str
    order: Order


SORTINGS = (
    Sorting("s", "state", _state),
    Sorting("n", "name", _name),
    Sorting("a", "active", _most("active")),
    Sorting("r", "rate", _most("rate")),
    Sorting("t", "total", _most("total")),
    Sorting("e", "errors", lambda backend: (-backend.errors, "")),
    Sorting("p", "p99", _most("connect_p99")),
)
_BY_LETTER = {sorting.letter: sorting for sorting in SORTINGS}


@attrs.define(eq=False)
class View:
    """What the user chose: the order, and the first backend on the page."""

    sorting: Sorting = SORTINGS[0]
    is_reversed: bool = False
    first: int = 0
    #: Backends that fit on the page that was drawn last, and how many there are.
    page: int = 1
    total: int = 0

    def press(self, key: str) -> None:
        """Take a key: a letter sorts, and reverses when it is the same again; others scroll."""
        if key in _BY_LETTER:
            self._sort(_BY_LETTER[key])
        steps = {"up": -1, "down": 1, "page up": -self.page, "page down": self.page}
        ends = {"home": -self.total, "end": self.total}
        self._scroll(steps.get(key, 0) + ends.get(key, 0))

    def _sort(self, sorting: Sorting) -> None:
        self.is_reversed = sorting is self.sorting and not self.is_reversed
        self.sorting = sorting
        self.first = 0

    def _scroll(self, lines: int) -> None:
        self.first = max(min(self.first + lines, self.total - self.page), 0)

    def arrange(self, backends: Sequence[Backend]) -> list[Backend]:
        """Sort backends; equal ones stay in the order of the file."""
        return sorted(backends, key=self.sorting.order, reverse=self.is_reversed)

    def show(self, count: int, room: int) -> range:
        """Choose which of so many backends stand on a page with so many lines for them."""
        self.total, self.page = count, max(room, 1)
        self._scroll(0)
        return range(self.first, min(self.first + max(room, 0), count))


def draw_page(status: Json, view: View, trouble: str, terminal: Terminal, height: int) -> list[str]:
    """Draw the page: the balancer, its listeners, its backends, and what keys do.

    `trouble` says why the status is not a fresh one. No line is wider than the terminal.
    """
    top = [*_head(status, trouble, terminal), *_listeners(status, terminal, height // 4)]
    backends = [backend for pool in parts(status, "pools") for backend in backends_of(pool)]
    backends += removed_backends(status)
    # One line for the titles, one for the keys, and an empty one before each.
    page = view.show(len(backends), height - len(top) - 4)
    # The whole table is written, so that its columns do not jump while it is scrolled.
    head, lines = write_table((FULL_NAME, *BACKENDS), view.arrange(backends), terminal)
    shown = [lines[index] for index in page]
    body = [*top, "", head, *shown]
    body += [""] * (height - 1 - len(body))
    return [*body[: height - 1], _foot(view, page, terminal)]


def _head(status: Json, trouble: str, terminal: Terminal) -> list[str]:
    lines = list(describe(status))
    if trouble:
        lines[0] = (trouble, Style.BAD)
    width = terminal.width or 0
    return [terminal.paint(fit(harmless(line), width), style) for line, style in lines]


def _listeners(status: Json, terminal: Terminal, most: int) -> list[str]:
    """Write as many listeners as there is room for, the busiest first."""
    listeners = sorted(parts(status, "listeners"), key=lambda each: -amount(each, "active"))
    head, lines = write_table(LISTENERS, listeners, terminal)
    return ["", head, *lines[: max(most, 1)]]


def _foot(view: View, page: range, terminal: Terminal) -> str:
    shown = f"{page.start + 1}–{page.stop} of " if page else ""
    order = f"{view.sorting.name}{' reversed' if view.is_reversed else ''}"
    keys = " ".join(f"{sorting.letter}:{sorting.name}" for sorting in SORTINGS)
    width = terminal.width or 0
    line = fit(f" {shown}{view.total} by {order}  q:quit {keys}", width)
    return terminal.paint(pad(line, width), Style.REVERSE)
