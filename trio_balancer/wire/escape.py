"""Escaping, so that nothing a peer sends can forge a log line or drive a terminal.

What `str.isprintable` calls printable stays as it is: letters of every script, digits, marks,
punctuation, symbols and the plain space. All else is written as a Python string literal writes
it: C0 and C1 controls (ANSI sequences with them), DEL, U+2028 and U+2029, bidi and other format
characters, exotic spaces, lone surrogates, private and unassigned code points. The backslash
and the double quote get a backslash, so that an escaped text can be read back in one way only.
"""

from __future__ import annotations

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", '"': r"\""}
_ONE_BYTE = 0xFF
_TWO_BYTES = 0xFFFF


def escape(text: str) -> str:
    r"""Make `text` harmless within one line: "a\nb" becomes r"a\nb".

    The result is printable and holds no bare double quote. Spaces stay: see `word`.
    """
    if text.isprintable() and "\\" not in text and '"' not in text:
        return text
    return "".join(map(_escape_character, text))


def word(text: str) -> str:
    """Make `text` one logfmt value, in double quotes where it needs them.

    It needs them when it is empty, holds a space or "=", had to be escaped, or is the "-" that
    stands for "no value".
    """
    escaped = escape(text)
    if escaped is text and text and text != "-" and " " not in text and "=" not in text:
        return text
    return f'"{escaped}"'


def _escape_character(character: str) -> str:
    short = _SHORT.get(character)
    if short is not None:
        return short
    if character.isprintable():
        return character
    code = ord(character)
    if code <= _ONE_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _TWO_BYTES else f"\\U{code:08x}"
