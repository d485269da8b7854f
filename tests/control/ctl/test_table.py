from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.control.ctl.table import Cell, Column, write_table
from trio_balancer.control.ctl.terminal import Style, Terminal
from trio_balancer.control.ctl.text import columns

Row = tuple[str, str, str]

TABLE = (
    Column[Row]("NAME", lambda row: Cell(row[0]), least=4),
    Column[Row]("COUNT", lambda row: Cell(row[1], Style.BAD), right=True, drop=1),
    Column[Row]("WHY", lambda row: Cell(row[2]), drop=2, least=12),
)
ROWS = [("s1", "7", "connection refused by whoever is there"), ("backend-2", "1234", "")]


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    head, lines = write_table(TABLE, ROWS, Terminal())
    assert [head, *lines] == [
        "NAME       COUNT  WHY",
        "s1             7  connection refused by whoever is there",
        "backend-2   1234",
    ]


def test_the_widest_is_cut_before_anything_is_dropped() -> None:
    _, lines = write_table(TABLE, ROWS, Terminal(width=36))
    assert lines[0] == "s1             7  connection refuse…"


def test_the_next_widest_is_cut_when_the_widest_is_as_narrow_as_it_may_be() -> None:
    head, lines = write_table(TABLE, ROWS, Terminal(width=26))
    assert head == "NAME   COUNT  WHY"
    assert lines[0] == "s1         7  connection …"
    assert lines[1] == "back…   1234"


def test_a_column_has_its_own_way_of_being_cut() -> None:
    def from_the_end(text: str, room: int) -> str:
        return text[-room:]

    table = [Column[str]("NAME", Cell, least=2, cut=from_the_end)]
    assert write_table(table, ["backend-2"], Terminal(width=3)) == ("NA…", ["d-2"])


def test_columns_are_dropped_where_the_terminal_is_narrow() -> None:
    head, _ = write_table(TABLE, ROWS, Terminal(width=20))
    assert head == "NAME       COUNT"
    head, _ = write_table(TABLE, ROWS, Terminal(width=10))
    assert head == "NAME"


def test_the_first_column_is_cut_when_nothing_else_can_go() -> None:
    _, lines = write_table(TABLE, ROWS, Terminal(width=6))
    assert lines == ["s1", "backe…"]


def test_a_column_without_anything_in_it_is_left_out() -> None:
    head, _ = write_table(TABLE, ROWS[1:], Terminal())
    assert head == "NAME       COUNT"


def test_a_table_without_rows_has_its_titles() -> None:
    assert write_table(TABLE, [], Terminal()) == ("NAME  COUNT  WHY", [])


def test_a_table_of_nothing_is_empty() -> None:
    assert write_table(TABLE, [("", "", "")], Terminal(width=80)) == ("", [""])


def test_cells_are_painted_and_cannot_paint_themselves() -> None:
    _, [line] = write_table(TABLE, [("\x1b[31m", "1", "")], Terminal(colors=True))
    assert line == "\\x1b[31m  \x1b[31m    1\x1b[0m"


@given(st.lists(st.tuples(st.text(), st.text(), st.text())), st.integers(1, 60))
def test_no_line_is_wider_than_the_terminal(rows: list[Row], width: int) -> None:
    head, lines = write_table(TABLE, rows, Terminal(width=width))
    assert max(map(columns, [head, *lines])) <= width
