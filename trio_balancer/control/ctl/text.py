"""Text for a terminal: harmless, and as wide as it is meant to be."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

from trio_balancer.wire.escape import escape

_PORT = re.compile(r":[0-9]{1,5}\Z", re.ASCII)

_SHARE_OF_POOL = 4

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


def fit_address(text: str, room: int) -> str:
    """Cut an address, or a name, so that its port remains: it may be all that tells it apart."""
    port = _PORT.search(text)
    if port is None or columns(text) <= room or len(port[0]) + len(CUT) >= room:
        return fit(text, room)
    return fit(text[: port.start()], room - len(port[0])) + port[0]


def fit_addresses(text: str, room: int) -> str:
    """Cut a list with spaces between to those that there is room for: "127.0.0.1:80 +2"."""
    addresses = text.split(" ")
    for count in range(len(addresses), 0, -1):
        left_out = len(addresses) - count
        shown = " ".join(addresses[:count]) + (f" +{left_out}" if left_out else "")
        if columns(shown) <= room:
            return shown
    return fit_address(addresses[0], room)


def fit_place(text: str, room: int) -> str:
    """Cut "pool/backend": first the pool, to a quarter of the room; then the backend."""
    pool, slash, backend = text.partition("/")
    least = room // _SHARE_OF_POOL
    if not slash or columns(text) <= room or least < len(CUT):
        return fit(text, room)
    least = min(least, columns(pool))
    room_of_backend = min(columns(backend), room - len(slash) - least)
    room_of_pool = room - len(slash) - room_of_backend
    return fit(pool, room_of_pool) + slash + fit_address(backend, room_of_backend)


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Fill a text with spaces up to `room` columns; `right` puts them before it."""
    spaces = " " * (room - columns(text))
    return spaces + text if right else text + spaces
