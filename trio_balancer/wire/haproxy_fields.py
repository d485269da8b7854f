"""The fields of HAProxy's statistics: what each one means to a program, and how it is written.

Source: HAProxy 2.6's management guide, 9.2 "Typed output format", and what HAProxy 2.6.12 wrote.
"""

from __future__ import annotations

import json
from enum import Enum
from functools import cached_property

import attrs

from trio_balancer.wire.haproxy_text import one_line

Value = int | str

# There is one process, and HAProxy counts them from 1.
PROCESS = 1
# JSON readers keep numbers as doubles; HAProxy stops where those stop being exact.
_JSON_MAX = 2**53 - 1

_ORIGINS = {"M": "Metric", "S": "Status", "K": "Key", "C": "Config", "P": "Product"}
_NATURES = {
    "G": "Gauge",
    "L": "Limit",
    "M": "Max",
    "R": "Rate",
    "C": "Counter",
    "D": "Duration",
    "A": "Age",
    "N": "Name",
    "O": "Output",
    "a": "Avg",
}
_SCOPES = {"P": "Process", "S": "Service"}


class Format(Enum):
    """How statistics are written: as text for people or CSV, as typed lines, or as JSON."""

    TEXT = "text"
    TYPED = "typed"
    JSON = "json"


class ValueType(Enum):
    """How wide a value is; the words stand in the typed and the JSON output."""

    U32 = "u32"
    S32 = "s32"
    U64 = "u64"
    STR = "str"


_RANGES = {
    ValueType.U32: (0, 2**32 - 1),
    ValueType.S32: (-(2**31), 2**31 - 1),
    ValueType.U64: (0, 2**64 - 1),
}


@attrs.frozen
class Field:
    """One field: its place among the others, its name, its type and three tag letters.

    The letters say where a value comes from, what kind of value it is, and how far it holds:
    "MCP" is a metric that counts in this process. `description` is a phrase for people.
    """

    position: int
    name: str
    type: ValueType
    tags: str
    description: str

    def fit(self, value: Value) -> Value:
        """Make `value` one that this field can hold.

        A number too large for its type stops at the largest: a connection may well outlive the
        49 days that 32 bits of milliseconds can count. Text is kept on one line. Raises TypeError
        for text in place of a number or the reverse, and ValueError for a number that is too small.
        """
        if self.type is ValueType.STR:
            return one_line(self._text(value))
        lowest, highest = _RANGES[self.type]
        number = self._number(value)
        if number < lowest:
            raise ValueError(f"{self.name} cannot be {number}: it is at least {lowest}")
        return min(number, highest)

    def typed(self, value: Value) -> str:
        """Write a value that fits, as "17.status.1:SGP:str:UP"."""
        return f"{self.position}.{self.name}.{PROCESS}:{self.tags}:{self.type.value}:{value}"

    def json(self, value: Value) -> str:
        """Write the members of the JSON object that tells a value that fits, without braces."""
        number_or_text = json.dumps(value if isinstance(value, str) else min(value, _JSON_MAX))
        return f'{self._json_head},"value":{{"type":"{self.type.value}","value":{number_or_text}}}'

    @cached_property
    def _json_head(self) -> str:
        # Cached, as a reply has thousands of these objects, and nobody else runs meanwhile.
        head = {
            "field": {"pos": self.position, "name": self.name},
            "processNum": PROCESS,
            "tags": _tag_words(self.tags),
        }
        return json.dumps(head, separators=(",", ":"))[1:-1]

    def _text(self, value: Value) -> str:
        if not isinstance(value, str):
            raise TypeError(f"{self.name} is text, not {value!r}")
        return value

    def _number(self, value: Value) -> int:
        if isinstance(value, str | bool):
            raise TypeError(f"{self.name} is a number, not {value!r}")
        return value


def _tag_words(tags: str) -> dict[str, str]:
    origin, nature, scope = tuple(tags)
    return {"origin": _ORIGINS[origin], "nature": _NATURES[nature], "scope": _SCOPES[scope]}
