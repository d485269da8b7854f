"""Looking for something in bytes that come in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

if TYPE_CHECKING:
    import re

    from trio_balancer.config.model_filters import Needle


class Finder(Protocol):
    """Remembers as much as a match can have before a border between two pieces."""

    def found_in(self, data: bytes) -> bool:
        """Look at the next piece; say whether a match ends in it."""


def finder(needle: Needle) -> Finder:
    """Make a finder of bytes, or of a regular expression."""
    if isinstance(needle.pattern, bytes):
        return LiteralFinder(needle.pattern)
    return RegexFinder(needle.pattern, needle.max_match)


@final
class LiteralFinder:
    """Finds bytes wherever the borders are."""

    def __init__(self, pattern: bytes) -> None:
        self._pattern = pattern
        self._tail = b""

    def found_in(self, data: bytes) -> bool:
        """Look at the next piece."""
        text = self._tail + data
        self._tail = text[max(0, len(text) - len(self._pattern) + 1) :]
        return self._pattern in text


@final
class RegexFinder:
    """Finds every match of at most `max_match` bytes, wherever the borders are.

    `$` and look-aheads see no further than what has come so far, `^` only the real beginning,
    look-behinds `max_match` bytes at most.
    """

    def __init__(self, pattern: re.Pattern[bytes], max_match: int) -> None:
        self._pattern = pattern
        self._max_match = max_match
        self._tail = b""
        # Whether bytes before the tail were forgotten: its first one is no beginning then.
        self._cut = False

    def found_in(self, data: bytes) -> bool:
        """Look at the next piece."""
        text = self._tail + data
        found = self._search(text, 1 if self._cut else 0)
        keep = max(0, len(text) - self._max_match)
        self._cut = self._cut or keep > 0
        self._tail = text[keep:]
        return found

    def _search(self, text: bytes, start: int) -> bool:
        return any(match.end() > match.start() for match in self._pattern.finditer(text, start))
