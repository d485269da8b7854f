"""The parameters of commands in JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import shown
from trio_balancer.control.errors import bad_value

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED = True
# As in a configuration: a hundred thousand years.
_LONGEST = 1e9 * 3600
_LARGEST = 2**63 - 1


@attrs.frozen
class Parameter:
    """A parameter; `parse` takes any JSON value and raises ValueError."""

    name: str
    parse: Callable[[object], object]
    required: bool = False

    def is_needed(self, given: Mapping[str, object]) -> bool:
        """Whether it must be read: it is there, or must be."""
        return self.required or self.name in given

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


def a_duration(value: object) -> float:
    """Parse a number of seconds from 0 on."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST:
        return float(value)
    raise ValueError(f"expected a number of seconds, got {_seen(value)}")


def a_weight(value: object) -> int | str:
    """Parse a weight: a number, or a text like "50%"."""
    return value if isinstance(value, str) else a_count(value)


def a_table(value: object) -> dict[str, object]:
    """Parse an object."""
    if isinstance(value, dict):
        return value
    raise ValueError(f"expected an object, got {_seen(value)}")


def _seen(value: object) -> str:
    return "null" if value is None else shown(value)
