"""Replacing something in bytes that come in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, final

if TYPE_CHECKING:
    import re

    from trio_balancer.filters.hold import Hold


class Rewriter(Protocol):
    """Holds what might begin a match."""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece; return what is certain by now. Raises HoldFullError."""

    def flush(self) -> bytes:
        """Return what was held: nothing comes, for a while or for ever."""


@final
class LiteralRewriter:
    """As `bytes.replace` on the whole, wherever the borders are.

    Holds the longest end of what came that begins the pattern, less than a whole one.
    """

    def __init__(self, pattern: bytes, replacement: bytes, hold: Hold) -> None:
        self._pattern = pattern
        self._replacement = replacement
        self._hold = hold

    def feed(self, data: bytes) -> bytes:
        """Take the next piece."""
        *before, rest = (self._hold.take() + data).split(self._pattern)
        border = _begins_at(rest, self._pattern)
        self._hold.add(rest[border:])
        return self._replacement.join([*before, rest[:border]])

    def flush(self) -> bytes:
        """Return the beginning of a pattern that did not go on."""
        return self._hold.take()


def _begins_at(text: bytes, pattern: bytes) -> int:
    """Return where an end of `text` begins that also begins `pattern`; its length if none does."""
    first = pattern[:1]
    at = text.find(first, max(0, len(text) - len(pattern) + 1))
    while at >= 0 and not pattern.startswith(text[at:]):
        at = text.find(first, at + 1)
    return len(text) if at < 0 else at


@final
class RegexRewriter:
    """As `re.sub` on the whole, wherever the borders are, but for matches that are empty.

    Holds `max_match` bytes: a match is believed when so many bytes are known from where it
    begins. So the result is that for the whole if no match, nor what the expression tries on the
    way to one, looks further ahead or further back than that.
    """

    def __init__(
        self, pattern: re.Pattern[bytes], template: bytes, max_match: int, hold: Hold
    ) -> None:
        self._pattern = pattern
        self._template = template
        self._max_match = max_match
        self._hold = hold
        # What stood before the held bytes, for `^`, `\b` and look-behinds.
        self._context = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece."""
        held = self._hold.take() + data
        return self._rewrite(held, max(0, len(held) - self._max_match + 1))

    def flush(self) -> bytes:
        """Decide about what is held as if nothing followed."""
        held = self._hold.take()
        return self._rewrite(held, len(held))

    def _rewrite(self, held: bytes, certain: int) -> bytes:
        """Replace the matches that begin in the first `certain` bytes; hold what follows them."""
        before = len(self._context)
        text = self._context + held
        done = before
        pieces: list[bytes] = []
        for match in self._pattern.finditer(text, before, len(text)) if certain else ():
            if match.start() >= before + certain:
                break
            if match.end() > match.start():
                pieces += (text[done : match.start()], match.expand(self._template))
                done = match.end()
        end = max(done, before + certain)
        pieces.append(text[done:end])
        self._context = text[max(0, end - self._max_match) : end]
        self._hold.add(text[end:])
        return b"".join(pieces)
