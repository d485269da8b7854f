"""What is wrong with a configuration, in sentences for people, all of it at once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

KeyPath = tuple[str | int, ...]
"""Where a value stands: `("pools", "app", "backends", 1, "weight")`; `()` is the whole file."""

Place = int | str
"""What put a value there: a line of the file, or the `KEY=VALUE` of an override."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_SHOWN = 60
# No float has more digits than this, and Python refuses to print integers of thousands.
_SHOWN_BITS = 1024


@attrs.frozen
class Problem:
    """One mistake.

    `file` is empty where none is to blame, and `--set KEY=VALUE` where an override is; `line`
    counts from 1; `key` is a dotted path such as `pools.app.backends[1].weight`.
    """

    file: str
    line: int | None
    key: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        file = self.file if self.line is None else f"{self.file}:{self.line}"
        hint = "" if self.suggestion is None else f"; did you mean {self.suggestion!r}?"
        return ": ".join(part for part in (file, self.key, self.message + hint) if part)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says why, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems)
        self.problems = tuple(sorted(problems, key=_order))

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def _order(problem: Problem) -> tuple[bool, int]:
    # Problems without a line come last; sorting is stable, so they keep their own order.
    return problem.line is None, problem.line or 0


@attrs.define(eq=False)
class Report:
    """Collects the problems of one configuration, and knows where each key stands."""

    source: str
    places: dict[KeyPath, Place] = attrs.field(factory=dict)
    problems: list[Problem] = attrs.field(factory=list)

    def add(self, path: KeyPath, message: str, suggestion: str | None = None) -> None:
        """Note a problem with the value at `path`."""
        file, line = self._find(path)
        self.problems.append(Problem(file, line, dotted(path), message, suggestion))

    def _find(self, path: KeyPath) -> tuple[str, int | None]:
        # A missing key stands nowhere: the nearest table around it is where to look.
        for end in range(len(path), 0, -1):
            place = self.places.get(path[:end])
            if isinstance(place, int):
                return self.source, place
            if place is not None:
                return set_option(place), None
        return self.source, None

    def raise_problems(self) -> None:
        """Raise ConfigError where there is at least one problem."""
        if self.problems:
            raise ConfigError(self.problems)


def dotted(path: KeyPath) -> str:
    """Write a key path as TOML does: `pools."my app".backends[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{_key(part)}" if text else _key(part)
    return text


def _key(part: str) -> str:
    if _BARE_KEY.match(part):
        return part
    return json.dumps(part, ensure_ascii=not part.isprintable())


def set_option(override: str) -> str:
    """Name the option that set a value, in place of a file."""
    return f"--set {_shorten(override if override.isprintable() else repr(override))}"


def shown(value: object) -> str:
    """Show an offending value in at most about 60 characters."""
    match value:
        case dict():
            text = "a table"
        case list():
            text = "an array"
        case bool():
            text = "true" if value else "false"
        case int() if value.bit_length() > _SHOWN_BITS:
            text = "a number of hundreds of digits"
        case str():
            text = repr(value[:_SHOWN])
        case int() | float():
            text = repr(value)
        case _:
            text = f"the date or time {value}"
    return _shorten(text)


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
