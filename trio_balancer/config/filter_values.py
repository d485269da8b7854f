"""Values that only filters have: what to look for, byte rates, files, classes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from trio_balancer.config.sizes import size
from trio_balancer.config.values import expected, text

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.values import Parser

#: Of what is looked for and what replaces it; nothing that is read by people is longer.
LONGEST = 4096

_CLASS = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\Z")


def byte_rate(value: object) -> float:
    """Parse "1MB/s" and the like, in bytes a second."""
    per_second = isinstance(value, str) and value.endswith("/s")
    try:
        return float(size(1)(str(value).removesuffix("/s") if per_second else None))
    except ValueError:
        raise expected('a rate of bytes like "1MB/s" or "64KiB/s"', value) from None


def size_or_off(value: object) -> float:
    """Parse a size of at least one byte; "off" is `math.inf`."""
    if value == "off":
        return math.inf
    try:
        return float(size(1)(value))
    except ValueError:
        raise expected('a size like "64KiB", or "off"', value) from None


def literal(value: object) -> bytes:
    """Parse text to look for into its bytes in UTF-8."""
    return _short(text(value), value)


def replacement(value: object) -> bytes:
    """Parse what comes instead, which may be nothing, into its bytes in UTF-8."""
    if not isinstance(value, str):
        raise expected("text", value)
    return _short(value, value)


def _short(given: str, value: object) -> bytes:
    try:
        data = given.encode()
    except UnicodeEncodeError:
        raise expected("text that UTF-8 can encode", value) from None
    if len(data) > LONGEST:
        raise expected(f"at most {LONGEST} bytes of text", value)
    return data


def regex(value: object) -> re.Pattern[bytes]:
    """Parse a regular expression of Python's `re` that matches bytes."""
    source = literal(value)
    try:
        pattern = re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{expected('a regular expression', value)}: {error}") from None
    if pattern.search(b"") is not None:
        raise expected("a regular expression that does not match nothing at all", value)
    return pattern


def check_template(pattern: re.Pattern[bytes], template: bytes) -> None:
    r"""Raise ValueError where a template (`\1`, `\g<name>`) does not fit its expression."""
    try:
        pattern.sub(template, b"")  # read whole before anything is looked for
    except (re.error, IndexError) as error:
        raise ValueError(f"does not fit the regular expression: {error}") from None


def data_file(base: PurePath) -> Parser[str]:
    """Make a parser of the path of a file."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not value or not value.isprintable():
            raise expected("the path of a file", value)
        return str(base / value)

    return parse


def split_class(value: str) -> tuple[str, str] | None:
    """Split "package.module:Class"; None where it is none."""
    if not _CLASS.match(value):
        return None
    module, _, name = value.partition(":")
    return module, name
