"""Calls of an asyncio test into the trio loop of a portal."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.testing.portal import Portal

T = TypeVar("T")


async def call(portal: Portal, function: Callable[[], Awaitable[T]]) -> T:
    """Call an async function in trio; cancelled, it is cancelled there too, and has ended."""
    __tracebackhide__ = True  # pytest then shows the test's own line
    ended: Future[None] = Future()

    async def run() -> T:
        __tracebackhide__ = True
        try:
            return await function()
        finally:
            ended.set_result(None)

    try:
        return await asyncio.wrap_future(portal.submit(run))
    except asyncio.CancelledError:
        await see_through(ended)
        raise


async def see_through(future: Future[T]) -> T:
    """Wait for what must not be left half done; cancelled meanwhile, it is cancelled afterwards."""
    waiting = asyncio.wrap_future(future)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.wait([waiting])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from waiting.exception()
    return waiting.result()
