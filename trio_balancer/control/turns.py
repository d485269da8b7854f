"""Turns: who wants something done waits until those before have it.

What is done for an operator takes a millisecond or so, in which no connection is served. Many
operators at once must not take as many milliseconds in a row.
"""

from __future__ import annotations

import attrs
import trio


@attrs.define(eq=False)
class Turns:
    """One at a time, first come first served, and everybody else's tasks run in between."""

    _turn: trio.Lock = attrs.Factory(trio.Lock)

    async def wait(self) -> None:
        """Wait for a turn; what is done until the next checkpoint belongs to it."""
        async with self._turn:
            await trio.lowlevel.checkpoint()
