"""What filters need of the balancer, and how they tell of trouble."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs


class Say(Protocol):
    """Writes a sentence of ours into the log; what a peer sent belongs in a field."""

    def __call__(self, message: str, /, **fields: object) -> None:
        """Write it."""


class Warn(Protocol):
    """The same, as a warning, but at most one of its kind a second."""

    def __call__(self, kind: str, message: str, /, **fields: object) -> None:
        """Write it, unless one of its kind was just written."""


class End(Protocol):
    """Ends a connection; whoever copies its bytes is cancelled thereby.

    `bug` says that a filter failed (ending `I`), not that it wanted the end (ending `P`).
    """

    def __call__(self, reason: str, *, bug: bool) -> None:
        """End it, because of `reason`, a sentence."""


@attrs.frozen
class Surroundings:
    """The balancer, as its filters see it; `wall_clock` gives Unix seconds."""

    log: Say
    warn: Warn
    wall_clock: Callable[[], float]
