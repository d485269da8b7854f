"""The parameters of commands in JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import shown
from trio_balancer.config.values import duration
from trio_balancer.control.errors import bad_value
from trio_balancer.flow.record import Phase, Who

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED = True
# As in a configuration: a hundred thousand years.
_LONGEST = 1e9 * 3600
_LARGEST = 2**63 - 1
_duration = duration(zero=True)
# Those that may be the first of an ending, and the second.
_LETTERS = ([who.value for who in Who], [phase.value for phase in Phase])


@attrs.frozen
class Parameter:
    """A parameter; `parse` takes any JSON value and raises ValueError."""

    name: str
    parse: Callable[[object], object]
    required: bool = False

    def is_needed(self, given: Mapping[str, object]) -> bool:
        """Whether it must be read: it is there, or must be; null is as good as nothing."""
        return self.required or given.get(self.name) is not None

    def read(self, given: Mapping[str, object]) -> object:
        """Parse its value; raises OperationError (bad-value)."""
        if self.name not in given:
            raise bad_value(f"{self.name} is required, but missing")
        try:
            return self.parse(given[self.name])
        except ValueError as error:
            raise bad_value(f"{self.name}: {error}") from None


def text(value: object) -> str:
    """Parse a text."""
    if isinstance(value, str):
        return value
    raise ValueError(f"expected text, got {_seen(value)}")


def a_count(value: object) -> int:
    """Parse a whole number from 0 on."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise ValueError(f"expected a whole number from 0 on, got {_seen(value)}")
    return value


def a_limit(value: object) -> int | None:
    """Parse a number of connections; "off" and null are no limit."""
    if value is None or value == "off":
        return None
    try:
        return a_count(value)
    except ValueError as error:
        raise ValueError(f'{error}; "off" is no limit') from None


def a_duration(value: object) -> float:
    """Parse a number of seconds from 0 on, or a text like "60s"."""
    if isinstance(value, str):
        return _duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST:
        return float(value)
    raise ValueError(f'expected a duration like "60s", or a number of seconds, got {_seen(value)}')


def a_weight(value: object) -> int | str:
    """Parse a weight: a number, or a text like "50%"."""
    return value if isinstance(value, str) else a_count(value)


def an_ending(value: object) -> str:
    """Parse the two letters of an ending, or the first of them; "" is any."""
    letters = text(value)
    if len(letters) > len(_LETTERS):
        raise ValueError(f"expected at most two letters, got {_seen(value)}")
    for letter, known in zip(letters, _LETTERS, strict=False):
        if letter not in known:
            raise ValueError(f"no ending has {_seen(letter)} there, but one of {' '.join(known)}")
    return letters


def a_table(value: object) -> dict[str, object]:
    """Parse an object."""
    if isinstance(value, dict):
        return value
    raise ValueError(f"expected an object, got {_seen(value)}")


def _seen(value: object) -> str:
    return "null" if value is None else shown(value)
