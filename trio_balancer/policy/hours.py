"""Opening hours: whether it is open at a moment, and when that changes next.

A window is open when the local clock, as people there read it at that instant, shows a time
within it. So where daylight saving skips an hour, what begins in that hour begins when the clock
has leapt over it; an hour that comes twice counts twice.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

import attrs

from trio_balancer.config.model_access import Window

_DAY = 24 * 60 * 60
_WEEK_DAYS = 7
# Windows in several time zones may leave a gap only while some of them are on summer time, so a
# week without a change is no proof that there is none.
_FORESIGHT = 400 * _DAY


@attrs.define(eq=False)
class Hours:
    """The windows of one listener; none at all means always open. `wall` is Unix seconds.

    Answers are remembered until the next change: to ask for every connection costs little.
    """

    windows: Sequence[Window]
    _open: bool = attrs.field(default=True, init=False)
    _change: float | None = attrs.field(default=None, init=False)
    #: From when and until when the two above hold; a clock that was set back leaves that span.
    _since: float = attrs.field(default=math.inf, init=False)
    _until: float = attrs.field(default=-math.inf, init=False)

    def is_open(self, wall: float) -> bool:
        """Whether at least one window is open."""
        if not self.windows:
            return True
        self._look(wall)
        return self._open

    def next_change(self, wall: float) -> float | None:
        """Return the first moment after `wall` at which `is_open` differs.

        None where nothing changes for more than a year.
        """
        if not self.windows:
            return None
        self._look(wall)
        return self._change

    def _look(self, wall: float) -> None:
        if self._since <= wall < self._until:
            return
        # Offsets from UTC are whole seconds, and so is the time of every change.
        second = math.floor(wall)
        self._open = _is_open(self.windows, second)
        self._change = _find_change(self.windows, second)
        self._since = wall
        self._until = wall + _FORESIGHT if self._change is None else self._change


def _is_open(windows: Sequence[Window], second: int) -> bool:
    return any(_holds(window, second) for window in windows)


def _holds(window: Window, second: int) -> bool:
    local = datetime.fromtimestamp(second, window.zone)
    minute = local.hour * 60 + local.minute
    today = local.weekday() in window.days
    if not window.crosses_midnight:
        return today and window.start <= minute < window.end
    yesterday = (local.weekday() - 1) % _WEEK_DAYS in window.days
    return (today and minute >= window.start) or (yesterday and minute < window.end)


def _find_change(windows: Sequence[Window], second: int) -> int | None:
    """Return the first second at which it opens or closes, searching edge by edge."""
    is_open = _is_open(windows, second)
    end = second + _FORESIGHT
    while second < end:
        second = min(_next_edge(window, second) for window in windows)
        if _is_open(windows, second) is not is_open:
            return second
    return None


def _next_edge(window: Window, second: int) -> int:
    """Return when the local clock next shows the start or the end, or is put forward or back."""
    local = datetime.fromtimestamp(second, window.zone)
    of_day = (local.hour * 60 + local.minute) * 60 + local.second
    edges = (window.start * 60, window.end * 60)
    edge = second + min((edge - of_day - 1) % _DAY + 1 for edge in edges)

    def is_shifted(later: int) -> bool:
        return datetime.fromtimestamp(later, window.zone).utcoffset() != local.utcoffset()

    if not is_shifted(edge):
        return edge
    # An edge is at most a day away, and no zone puts its clocks forward and back within one.
    return second + bisect_left(range(second, edge), x=True, key=is_shifted)
