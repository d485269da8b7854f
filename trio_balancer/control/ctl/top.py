"""top: the balancer live, on the whole screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import attrs

from trio_balancer.control.ctl.arguments import Commands, seconds
from trio_balancer.control.ctl.client import Client
from trio_balancer.control.ctl.errors import ControlError
from trio_balancer.control.ctl.fields import Json, as_json
from trio_balancer.control.ctl.screen import Screen, full_screen
from trio_balancer.control.ctl.session import DONE
from trio_balancer.control.ctl.terminal import Terminal
from trio_balancer.control.ctl.top_view import View, draw_page

if TYPE_CHECKING:
    from trio_balancer.control.ctl.session import Session

_INTERVAL = 1.0
#: How often the size of the screen is looked at, in seconds: it must follow the window.
_GLANCE = 0.25
_LEAVE = {"q", "Q", "closed"}


def add_to(commands: Commands) -> None:
    """Add the command."""
    top = commands.add("top", "show backends live on the whole screen; q quits", _top)
    top.add_argument(
        "--interval",
        metavar="TIME",
        type=seconds,
        default=_INTERVAL,
        help=f"time between two looks; default {_INTERVAL:g}s",
    )


def _top(session: Session) -> int:
    feed = Feed(session.client, session.arguments.interval)
    # Whoever cannot be asked at all is told so before the screen is taken.
    feed.look()
    with full_screen() as screen:
        _show(screen, feed, colors=session.terminal.colors)
    return DONE


def _show(screen: Screen, feed: Feed, *, colors: bool) -> None:
    view = View()
    key: str | None = None
    while key not in _LEAVE:
        if key is not None:
            view.press(key)
        feed.refresh(time.monotonic())
        columns, lines = screen.size
        terminal = Terminal(colors=colors, width=columns)
        screen.draw(draw_page(feed.status, view, feed.trouble, terminal, lines))
        key = screen.key(_GLANCE)


@attrs.define(eq=False)
class Feed:
    """The latest status of a balancer, asked for every `interval` seconds.

    While the balancer cannot be asked, the last status stays, and `trouble` says why.
    """

    client: Client
    interval: float
    status: Json = attrs.Factory(dict)
    trouble: str = ""
    _next: float = 0.0

    def look(self) -> None:
        """Ask once; raises ControlError."""
        self.status = as_json(self.client.ask("status"))
        self.trouble = ""

    def refresh(self, now: float) -> None:
        """Ask where it is time to; `now` is monotonic seconds."""
        if now < self._next:
            return
        self._next = now + self.interval
        try:
            self.look()
        except ControlError as error:
            self.trouble = f"Not live, trying again: {error}"
