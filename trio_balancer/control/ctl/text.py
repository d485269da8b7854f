"""Text for a terminal: harmless, and as wide as it is meant to be."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

from trio_balancer.wire.escape import escape

#: Stands for what there was no room for.
CUT = "…"


def harmless(text: str) -> str:
    """Escape what could drive a terminal: control characters, bidi marks, line separators.

    Quotes and backslashes stay, unlike in a log line: JSON and CSV remain what they are.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else escape(letter) for letter in text)


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes; Chinese letters take two each."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def fit(text: str, room: int) -> str:
    """Cut a text to at most `room` columns."""
    if columns(text) <= room:
        return text
    ends = accumulate(map(_columns, text))
    kept = sum(end <= room - columns(CUT) for end in ends)
    return text[:kept] + CUT if room > 0 else ""


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Fill a text with spaces up to `room` columns; `right` puts them before it."""
    spaces = " " * (room - columns(text))
    return spaces + text if right else text + spaces
