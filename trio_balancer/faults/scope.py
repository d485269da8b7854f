"""Whose connections a fault is for."""

from __future__ import annotations

import attrs

LISTENERS, POOLS = "listeners", "pools"


@attrs.frozen
class Scope:
    """All connections of a listener, or all that go to a pool; `str` is its key in the file."""

    section: str
    name: str

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"


def on_listener(name: str) -> Scope:
    """Return the scope of a listener's connections."""
    return Scope(LISTENERS, name)


def on_pool(name: str) -> Scope:
    """Return the scope of a pool's connections; `Match.backend` narrows it down to one backend."""
    return Scope(POOLS, name)
