from __future__ import annotations

import pytest

from trio_balancer.control.ctl.states import ending_style, state_cell
from trio_balancer.control.ctl.table import Cell
from trio_balancer.control.ctl.terminal import Style


def test_a_state_has_the_colour_of_its_news() -> None:
    assert state_cell({"state": "up"}) == Cell("up", Style.GOOD)
    assert state_cell({"state": "down"}) == Cell("down", Style.BAD)
    assert state_cell({"state": "new one"}) == Cell("new one", Style.PLAIN)


@pytest.mark.parametrize(
    ("ending", "style"),
    [("--", Style.PLAIN), ("CD", Style.WARN), ("SC", Style.BAD), ("ID", Style.BAD)],
)
def test_an_ending_is_coloured_by_whose_doing_it_was(ending: str, style: Style) -> None:
    assert ending_style(ending) is style
