"""End connections little by little, so that those who come back do not all come at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.record import Who

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_balancer.flow.live import Connection

    Find = Callable[[], Sequence[Connection] | None]

# Seconds between two looks at the connections, for each of which all are looked at.
LEAST_PAUSE = 0.05
LONGEST_PAUSE = 1.0


async def end_evenly(find: Find, reason: str, over: float) -> None:
    """End what `find` lists, the first of it first, so that nothing is left after `over` seconds.

    It is asked again and again: some end by themselves, and others may come. None says that this
    is no longer wished.
    """
    deadline = trio.current_time() + over
    due = 0.0
    while (found := find()) is not None and (left := deadline - trio.current_time()) > 0:
        pause = min(max(left / max(len(found), 1), LEAST_PAUSE), LONGEST_PAUSE, left)
        await trio.sleep(pause)
        found = find() or ()
        due += len(found) * pause / left
        for connection in found[: int(due)]:
            connection.end(Who.KILLED, reason)
        due -= int(due)
    for connection in found or ():
        connection.end(Who.KILLED, reason)
