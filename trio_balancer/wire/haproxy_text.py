"""Text inside HAProxy's line formats: it stays on its line, and a word stays one word."""

from __future__ import annotations

from trio_balancer.wire.escape import escape

# What stands where there is no value, in the formats whose columns are separated by spaces.
ABSENT = "-"


def one_line(text: str) -> str:
    """Escape what could end the line or drive a terminal; quotes and backslashes stay."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else escape(one) for one in text)


def one_word(text: str) -> str:
    r"""Make `text` one column of a line whose columns end at a space: "a b" becomes "a\x20b"."""
    return one_line(text).replace(" ", r"\x20") or ABSENT
