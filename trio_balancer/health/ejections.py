"""Ejections end by themselves: somebody must be there when their time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Collection

    from trio_balancer.policy import Pool


class Wakeup:
    """Wakes one sleeping task from synchronous code; no call is lost."""

    def __init__(self) -> None:
        self._woken = trio.Event()

    def wake(self) -> None:
        """End the present sleep, or the next one if nobody sleeps."""
        self._woken.set()

    async def sleep_until(self, deadline: float) -> None:
        """Sleep until `deadline` (trio's time; inf: for ever) or until woken."""
        with trio.move_on_at(deadline):
            await self._woken.wait()
        self._woken = trio.Event()


async def keep_ending_ejections(
    pools: Collection[Pool],
    changed: Wakeup,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """End the ejections of all these pools when they are due; a service.

    `pools` may be a live view: it is looked at again each time. `changed.wake()` belongs into
    every pool's `notify`, because a new ejection may be the next one to end.
    """
    task_status.started()
    while True:
        await changed.sleep_until(_next_end(pools))
        for pool in pools:
            pool.end_ejections(trio.current_time())


def _next_end(pools: Collection[Pool]) -> float:
    return min((pool.next_ejection_end() for pool in pools), default=float("inf"))
