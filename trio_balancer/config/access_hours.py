"""`hours`: the windows of time in which clients are accepted."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from trio_balancer.config.model_access import MIDNIGHT, Window
from trio_balancer.config.values import MisspeltError, closest, expected

if TYPE_CHECKING:
    from trio_balancer.config.reader import TableReader

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAILY = frozenset(range(len(_DAYS)))
_RANGE = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\Z")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")


def read_hours(section: TableReader) -> tuple[Window, ...]:
    """Read the array of tables `hours`, or a lone table."""
    items = section.items("hours")
    if not items and "hours" in section:
        section.problem("hours", "at least one window is needed")
    windows = [_read_window(section.within(path, item)) for path, item in items]
    return tuple(window for window in windows if window is not None)


def _read_window(section: TableReader) -> Window | None:
    """Read one window; None where it has a problem."""
    days = section.take("days", _days, _DAILY)
    start = section.require("from", _time, None)
    end = section.require("to", _end, None)
    zone = section.take("timezone", _zone, dt.UTC)
    if start is None or end is None:
        return None
    if start == end:
        section.problem("to", 'is the same as from; a whole day is from "00:00" to "24:00"')
    return Window(days, start, end, zone)


def _days(value: object) -> frozenset[int]:
    """Parse "mon-fri", "mon,wed,sat-sun" or "daily" into numbers, Monday being 0."""
    if value == "daily":
        return _DAILY
    if not isinstance(value, str):
        raise _no_days(value)
    return frozenset(day for part in value.split(",") for day in _day_range(part.strip(), value))


def _day_range(part: str, value: str) -> list[int]:
    match = _RANGE.match(part)
    if match is None or not {match[1], match[2] or match[1]} <= {*_DAYS}:
        raise _no_days(value)
    first = _DAYS.index(match[1])
    last = _DAYS.index(match[2] or match[1])
    # A range may run over the end of the week: "fri-mon".
    return [(first + offset) % len(_DAYS) for offset in range((last - first) % len(_DAYS) + 1)]


def _no_days(value: object) -> ValueError:
    return expected('days like "mon-fri", "mon,wed,sat-sun" or "daily"', value)


def _time(value: object) -> int:
    """Parse "08:00" into minutes after midnight."""
    match = _TIME.match(value) if isinstance(value, str) else None
    if match is None:
        raise expected('a time of day like "08:00", "23:59" being the last', value)
    return int(match[1]) * 60 + int(match[2])


def _end(value: object) -> int:
    return MIDNIGHT if value == "24:00" else _time(value)


def _zone(value: object) -> dt.tzinfo:
    """Parse the name of an IANA time zone; "UTC" needs no data from the system."""
    if value == "UTC":
        return dt.UTC
    if not isinstance(value, str):
        raise _no_zone(value)
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Absolute paths, folders ("Europe") and files of other kinds each have an error of theirs.
        raise _no_zone(value) from None


def _no_zone(value: object) -> ValueError:
    known = available_timezones()
    message = str(expected('an IANA time zone like "Europe/Berlin" or "UTC"', value))
    if not known:
        message += '; this system has no time zones: "pip install tzdata" brings them'
    return MisspeltError(message, closest(value, known) if isinstance(value, str) else None)
