"""A block of trio's that another thread enters and leaves."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, final

import trio

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from trio_balancer.testing.portal import Portal


@final
class HeldBlock:
    """Entered at once, in one trio task that holds it until `leave` is called.

    The other thread waits for `entered`, and after `leave` for `left`, in whatever way it waits;
    each has the error of its step. Whoever is interrupted while he waits for the first can leave
    all the same: the block is then left as soon as it was entered. Where the portal ends first,
    so does the block.
    """

    def __init__(self, portal: Portal, block: AbstractAsyncContextManager[None]) -> None:
        self._portal = portal
        self._block = block
        self._leave = trio.Event()
        self.entered: Future[None] = Future()
        self.left: Future[None] = Future()
        portal.submit(self._hold)

    def leave(self) -> None:
        """Let it end; that does not wait until it has."""
        with suppress(trio.RunFinishedError):
            self._portal.read(self._leave.set)

    async def _hold(self) -> None:
        try:
            async with self._block:
                self.entered.set_result(None)
                await self._leave.wait()
        except Exception as error:  # noqa: BLE001  # it is for the other thread, whatever it is
            (self.left if self.entered.done() else self.entered).set_exception(error)
        finally:
            self.entered.cancel()  # nothing, unless the portal has ended before
            if not self.left.done():
                self.left.set_result(None)
