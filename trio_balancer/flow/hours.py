"""End connections when the hours of their listener are over (`close_outside_hours`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.record import Who

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.flow.gate import Gate
    from trio_balancer.flow.listener import ListenerState
    from trio_balancer.flow.live import Runtime

# Seconds until the wall clock is looked at again, whatever it said: it may be set meanwhile, and
# listeners may come and go.
LOOK_AGAIN = 15.0


async def keep_hours(runtime: Runtime, gates: Mapping[str, Gate]) -> None:
    """End connections as their windows close, until cancelled; `gates` may change."""
    while True:
        wall = runtime.wall_clock()
        pause = LOOK_AGAIN
        for gate in gates.values():
            if _closes(gate.listener):
                pause = min(pause, _look_at(runtime, gate.listener, wall))
        await trio.sleep(pause)


def _closes(listener: ListenerState) -> bool:
    config = listener.config.access
    return config is not None and config.close_outside_hours


def _look_at(runtime: Runtime, listener: ListenerState, wall: float) -> float:
    """End who should not be there any more; return the seconds until that may change."""
    access = listener.access
    if access is None:
        return LOOK_AGAIN
    if not access.is_open(wall):
        _end_connections(runtime, listener)
    change = access.next_change(wall)
    return LOOK_AGAIN if change is None else max(change - wall, 0.001)


def _end_connections(runtime: Runtime, listener: ListenerState) -> None:
    for connection in list(runtime.connections.values()):
        if connection.listener is listener and connection.refusal is None:
            connection.end(Who.POLICY, "its listener's hours are over")
