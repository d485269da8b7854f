"""Waiting for what a kernel or another process does in its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable


async def eventually(condition: Callable[[], bool], *, within: float = 10) -> None:
    """Wait until the condition holds; raises trio.TooSlowError after `within` seconds."""
    with trio.fail_after(within):
        while not condition():  # noqa: ASYNC110  # neither a kernel nor a process sets an event
            await trio.sleep(0.001)
