"""Find the line on which each key of a TOML text stands, because tomli keeps no positions.

Made for text that tomli has already accepted, so it reads the shape of TOML
(https://toml.io/en/v1.0.0) and leaves the checking of it to tomli.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import tomli

from trio_balancer.config.problems import KeyPath

if TYPE_CHECKING:
    from collections.abc import Iterator

# Strings first, for they may hold any of the other marks. A multi-line string may end with two
# quotes of its own, hence {3,5}.
_TOKEN = re.compile(
    r"""
    (?P<space> [ \t\r]+ | \#[^\n]* )
  | (?P<string> \"{3} (?: \\. | [^\\] )*? \"{3,5}
              | '{3} .*? '{3,5}
              | \" (?: \\. | [^"\\\n] )* \"
              | ' [^'\n]* ' )
  | (?P<mark> [\[\]{}=,.\n] )
  | (?P<bare> [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def find_lines(text: str) -> dict[KeyPath, int]:
    """Map the path of every table, key and array element to its line, counted from 1."""
    scanner = _Scanner(list(_tokens(text)))
    # Arrays nested so deep hold no key of ours; what was found before them still helps.
    with suppress(RecursionError):
        scanner.scan()
    return scanner.lines


@attrs.frozen
class _Token:
    text: str
    line: int
    is_mark: bool


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            yield _Token(match.group(), line, match.lastgroup == "mark")
        line += match.group().count("\n")


@attrs.define(eq=False)
class _Scanner:
    _tokens: list[_Token]
    lines: dict[KeyPath, int] = attrs.field(factory=dict)
    _at: int = 0
    # The index of the newest element of each array of tables.
    _newest: dict[KeyPath, int] = attrs.field(factory=dict)

    def scan(self) -> None:
        table: KeyPath = ()
        while self._at < len(self._tokens):
            if self._next_is("\n"):
                self._at += 1
            elif self._next_is("["):
                table = self._header()
            else:
                self._pair(table)

    def _next_is(self, marks: str) -> bool:
        # The end of the text counts as any mark, so that no loop runs past it.
        if self._at >= len(self._tokens):
            return True
        token = self._tokens[self._at]
        return token.is_mark and token.text in marks

    def _header(self) -> KeyPath:
        line = self._tokens[self._at].line
        self._at += 1
        is_array = self._next_is("[")
        *around, last = self._dotted_key("]")
        path: KeyPath = (*self._enter(around, line), last)
        if is_array:
            self._at += 1
            self._newest[path] = self._newest.get(path, -1) + 1
            self.lines.setdefault(path, line)
        path = self._with_newest(path)
        self.lines[path] = line
        return path

    def _enter(self, keys: list[str], line: int) -> KeyPath:
        """Go down through tables that need no header of their own."""
        path: KeyPath = ()
        for key in keys:
            path = self._with_newest((*path, key))
            self.lines.setdefault(path, line)
        return path

    def _with_newest(self, path: KeyPath) -> KeyPath:
        return (*path, self._newest[path]) if path in self._newest else path

    def _pair(self, table: KeyPath) -> None:
        line = self._tokens[self._at].line
        path = table
        for key in self._dotted_key("="):
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._value(path)

    def _dotted_key(self, end: str) -> list[str]:
        keys = []
        while not self._next_is(end):
            token = self._tokens[self._at]
            if not token.is_mark:
                keys.append(_unquoted(token.text))
            self._at += 1
        self._at += 1
        return keys

    def _value(self, path: KeyPath) -> None:
        if self._next_is("["):
            self._array(path)
        elif self._next_is("{"):
            self._inline_table(path)
        else:
            self._scalar()

    def _scalar(self) -> None:
        # Always one step at least, so that no text whatever makes a loop stand still.
        self._at += 1
        while not self._next_is(",]}\n"):
            self._at += 1

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        index = 0
        while not self._next_is("]"):
            if self._next_is(",\n"):
                self._at += 1
            else:
                self.lines[*path, index] = self._tokens[self._at].line
                self._value((*path, index))
                index += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while not self._next_is("}"):
            if self._next_is(",\n"):
                self._at += 1
            else:
                self._pair(path)
        self._at += 1


def _unquoted(key: str) -> str:
    if key[0] in "\"'":
        value: str = tomli.loads(f"key = {key}")["key"]
        return value
    return key
