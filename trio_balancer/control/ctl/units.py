"""Numbers as people read them; "–" stands for what is not known."""

from __future__ import annotations

UNKNOWN = "–"

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_STEP = 1000
_LARGE = 100


def age(seconds: float | None) -> str:
    """Write a duration with its two largest units: "45s", "3m 20s", "2h 5m", "3d 4h"."""
    if seconds is None:
        return UNKNOWN
    whole = max(int(seconds), 0)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR}h"


def took(seconds: float | None) -> str:
    """Write how long something took: "0.4 ms", "12 ms", "1.25 s", "3m 20s"."""
    if seconds is None:
        return UNKNOWN
    milliseconds = seconds * 1000
    if milliseconds < 10:  # noqa: PLR2004  # one digit before the point
        return f"{milliseconds:.1f} ms"
    if milliseconds < _STEP:
        return f"{milliseconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < _MINUTE else age(seconds)


def size(count: float | None) -> str:
    """Write bytes with three digits: "512 B", "1.25 kB", "12.5 MB", "125 GB"."""
    if count is None:
        return UNKNOWN
    if count < _STEP:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= _STEP
        # What would be rounded up to 1000 belongs to the next unit.
        if count < _STEP - 0.5:
            return f"{count:.3g} {unit}"
    return f"{count:.0f} TB"


def whole(count: float | None) -> str:
    """Write a count."""
    return UNKNOWN if count is None else f"{count:.0f}"


def some(count: float, one: str, many: str | None = None) -> str:
    """Write a count with its noun: "1 connection", "2 connections"."""
    return f"{count:.0f} {one if count == 1 else many or f'{one}s'}"
