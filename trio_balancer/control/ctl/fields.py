"""Read the balancer's JSON without trusting its shape.

A balancer goes on running while its package is upgraded, so it may be older than this program:
what it does not tell is shown as unknown, not as a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping

Json = Mapping[str, object]


def text(data: Json, key: str) -> str:
    """Return a text; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def number(data: Json, key: str) -> float | None:
    """Return a number, None where there is none."""
    value = data.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def amount(data: Json, key: str) -> float:
    """Return a number that counts something; 0 where there is none."""
    return number(data, key) or 0


def flag(data: Json, key: str) -> bool:
    """Tell whether something is true."""
    return data.get(key) is True


def part(data: Json, key: str) -> Json:
    """Return the object at `key`; an empty one where there is none."""
    return as_json(data.get(key))


def parts(data: Json, key: str) -> list[Json]:
    """Return the objects in the array at `key`."""
    return all_json(data.get(key))


def texts(data: Json, key: str) -> list[str]:
    """Return the texts in the array at `key`."""
    value = data.get(key)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def as_json(value: object) -> Json:
    """Return a value that is an object, or an empty object."""
    return value if isinstance(value, dict) else {}


def all_json(value: object) -> list[Json]:
    """Return the objects in a value that is an array."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
