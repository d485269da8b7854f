"""A fault that a test has added."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, final

from trio_balancer.faults import FaultError

if TYPE_CHECKING:
    from trio_balancer.faults import FaultBook, Scope


@final
class FaultHandle:
    """A fault, for as long as the block of `Harness.fault` runs."""

    def __init__(self, book: FaultBook, scope: Scope, name: str) -> None:
        self._book = book
        self._scope = scope
        #: The one given, or else made of its type and stream.
        self.name = name

    def __repr__(self) -> str:
        return f"<fault {self.name} on {self._scope}>"

    def update(self, *, toxicity: float | None = None, **attributes: float) -> None:
        """Change attributes (those not given stay) or the toxicity, on live connections too.

        Raises FaultError for a wrong value, or when the fault is there no longer; then nothing
        is changed.
        """
        self._book.update(self._scope, self.name, attributes=attributes, toxicity=toxicity)

    def remove(self) -> None:
        """Take it away, unless somebody else has done so already."""
        with suppress(FaultError):
            self._book.remove(self._scope, self.name)
