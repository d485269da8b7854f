"""One TOML value → one Python value, or a ValueError with a sentence that says what was expected.

Each parser takes any object that tomli can return. Those that need limits are made by a
function: `whole(0, 256)` is a parser.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable
from enum import Enum
from typing import TypeGuard, TypeVar

from trio_balancer.config.problems import shown

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
Parser = Callable[[object], T]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# Nine digits of hours are a hundred thousand years, and far from where floats overflow.
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)\Z")
_FILE_MODE = re.compile(r"0?[0-7]{3}\Z")
_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?\Z")
# What fits in the C int of every system call that may see it.
_LARGEST = 2**31 - 1


class MisspeltError(ValueError):
    """A value that is none of the allowed words, though close to `suggestion` if there is one."""

    def __init__(self, message: str, suggestion: str | None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, known, n=1)), None)


def expected(what: str, value: object) -> ValueError:
    """Build the error that every parser raises: "expected X, got Y"."""
    return ValueError(f"expected {what}, got {shown(value)}")


def boolean(value: object) -> bool:
    """Parse true or false."""
    if not isinstance(value, bool):
        raise expected("true or false", value)
    return value


def text(value: object) -> str:
    """Parse any text that is not empty."""
    if not isinstance(value, str) or not value:
        raise expected("text", value)
    return value


def whole(low: int, high: int = _LARGEST) -> Parser[int]:
    """Make a parser of whole numbers from `low` to `high`, both included."""

    def parse(value: object) -> int:
        if not _is_number(value) or isinstance(value, float) or not low <= value <= high:
            raise expected(f"a whole number from {low} to {high}", value)
        return value

    return parse


def _is_number(value: object) -> TypeGuard[int | float]:
    # A bool is an int to Python, but not to whoever wrote it.
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(low: float, high: float) -> Parser[float]:
    """Make a parser of numbers from `low` to `high`, both included; NaN never is."""

    def parse(value: object) -> float:
        if not _is_number(value) or not low <= value <= high:
            raise expected(f"a number from {low:g} to {high:g}", value)
        return float(value)

    return parse


def duration(*, zero: bool = False, off: bool = False) -> Parser[float]:
    """Make a parser of durations ("250ms", "5s", "1.5h"), in seconds; "off" is `math.inf`.

    `zero` and `off` say whether "0s" and "off" make sense for the key at hand.
    """
    what = "a duration" if zero else "a duration above zero"
    what += ' like "5s", or "off"' if off else ' like "5s"'

    def parse(value: object) -> float:
        if value == "off" and off:
            return math.inf
        match = _DURATION.match(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"{expected(what, value)}{_unit_hint(value)}")
        seconds = float(match[1]) * _UNITS[match[2]]
        if seconds == 0 and not zero:
            raise expected(what, value)
        return seconds

    return parse


def _unit_hint(value: object) -> str:
    return f'; write "{value}s"' if _is_number(value) and 0 < value < _LARGEST else ""


def seconds_within(low: float, high: float) -> Parser[float]:
    """Make a parser of durations that a socket option holds, in seconds; "off" is `math.inf`."""
    parse_any = duration(off=True)

    def parse(value: object) -> float:
        seconds = parse_any(value)
        if not low <= seconds <= high and seconds != math.inf:
            raise expected(f'a duration from {low:g}s to {high:g}s, or "off"', value)
        return seconds

    return parse


def choice(words: type[E]) -> Parser[E]:
    """Make a parser of the words that an enum has as its values."""
    members = {str(member.value): member for member in words}

    def parse(value: object) -> E:
        if isinstance(value, str) and value in members:
            return members[value]
        suggestion = closest(value, members) if isinstance(value, str) else None
        known = ", ".join(map(repr, members))
        raise MisspeltError(str(expected(f"one of {known}", value)), suggestion)

    return parse


def name(value: object) -> str:
    """Parse the name of a listener, pool or backend; the log writes it as "pool/backend"."""
    if not isinstance(value, str) or not is_plain(value) or "/" in value:
        raise expected("a name without spaces, control characters or '/'", value)
    return value


def is_plain(word: str) -> bool:
    """Tell whether a word is not empty and can stand in a log line: printable, no spaces."""
    return bool(word) and word.isprintable() and " " not in word


def visible_ascii(value: object) -> str:
    """Parse a word that can stand in the head of an HTTP request."""
    if not isinstance(value, str) or not is_plain(value) or not value.isascii():
        raise expected("ASCII text without spaces or control characters", value)
    return value


def http_path(value: object) -> str:
    """Parse the path of an HTTP request."""
    path = visible_ascii(value)
    if not path.startswith("/"):
        raise expected("a path that begins with '/'", value)
    return path


def octets(value: object) -> bytes:
    """Parse text into the bytes that go over the wire, as UTF-8."""
    try:
        return text(value).encode()
    except UnicodeEncodeError:
        raise expected("text that UTF-8 can encode", value) from None


def attempts(value: object) -> int | None:
    """Parse a number of attempts; "all" is None."""
    if value == "all":
        return None
    try:
        return whole(1)(value)
    except ValueError:
        raise expected('a whole number of at least 1, or "all"', value) from None


def file_mode(value: object) -> int:
    """Parse the mode of a file, written in octal digits like chmod's."""
    if not isinstance(value, str) or not _FILE_MODE.match(value):
        raise expected('an octal file mode in quotes, like "0660"', value)
    return int(value, 8)


def status_ranges(value: object) -> tuple[tuple[int, int], ...]:
    """Parse "200-399" or "200,204,301-302" into inclusive ranges of HTTP status codes."""
    what = 'HTTP status codes in quotes, like "200-399" or "200,204"'
    if not isinstance(value, str):
        raise expected(what, value)
    matches = [_STATUS.match(part.strip()) for part in value.split(",")]
    ranges = tuple((int(m[1]), int(m[2] or m[1])) for m in matches if m is not None)
    if len(ranges) < len(matches) or any(low > high for low, high in ranges):
        raise expected(what, value)
    return ranges
