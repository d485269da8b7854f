"""One task at a time, where a second one would be a bug in the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from types import TracebackType


@final
class OneTask:
    """A `with` block that one task may be in; a second one gets trio.BusyResourceError.

    trio keeps the like of it for its own streams (`ConflictDetector`), but does not export it.
    """

    __slots__ = ("_busy", "_message")

    def __init__(self, message: str) -> None:
        self._busy = False
        self._message = message

    def __enter__(self) -> None:
        if self._busy:
            raise trio.BusyResourceError(self._message)
        self._busy = True

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._busy = False
