"""States and endings, with a colour that says whether they are good news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.fields import text
from trio_balancer.control.ctl.table import Cell
from trio_balancer.control.ctl.terminal import Style

if TYPE_CHECKING:
    from trio_balancer.control.ctl.fields import Json

_STATES = {
    "up": Style.GOOD,
    "open": Style.GOOD,
    "down": Style.BAD,
    "closed": Style.BAD,
    "full": Style.WARN,
    "drain": Style.WARN,
    "draining": Style.WARN,
    "maintenance": Style.WARN,
    "removed": Style.WARN,
}
# By who ended the connection: HAProxy's first letter.
_ENDINGS = {"-": Style.PLAIN, "C": Style.WARN, "c": Style.WARN, "P": Style.WARN, "K": Style.WARN}


def state_cell(data: Json) -> Cell:
    """Show the state of a listener or a backend."""
    state = text(data, "state")
    return Cell(state, _STATES.get(state, Style.PLAIN))


def ending_style(ending: str) -> Style:
    """Choose the colour of an ending's two letters."""
    return _ENDINGS.get(ending[:1], Style.BAD)
