"""A backend changed its state: tell the log, and end its connections where that is wished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model import LogLevel
from trio_balancer.flow.record import Phase, Who
from trio_balancer.policy import Change, State

if TYPE_CHECKING:
    from trio_balancer.flow.live import Runtime


def announce(runtime: Runtime, change: Change) -> None:
    """Write the one line of a change, and drop connections of a backend that went down."""
    pool = runtime.pools.get(change.pool)
    if pool is None:
        return  # It is no part of the configuration any more: of no interest to anybody.
    up = sum(backend.state is State.UP for backend in pool.backends)
    runtime.meters.of(pool.name).availability.note(change.at, up=up > 0)
    runtime.log.event(
        LogLevel.WARNING if change.after is State.DOWN else LogLevel.INFO,
        f"Backend is {change.after.value.upper()}",
        pool=change.pool,
        backend=change.backend.name,
        was=change.before.value,
        reason=change.reason,
        up=f"{up}/{len(pool.backends)}",
        active=change.backend.active,
    )
    if up == 0 and change.before is State.UP:
        runtime.log.error("No backend of the pool is up", pool=change.pool)
    if change.after is State.DOWN and pool.config.drop_when_down:
        _drop(runtime, change)


def _drop(runtime: Runtime, change: Change) -> None:
    # Who still dials it goes on to another backend when that fails: the dial that gets a
    # backend ejected is such a one.
    for connection in runtime.on_backend(change.backend):
        if connection.phase is Phase.DATA:
            connection.end(Who.DOWN, f"{change.backend.name} went down")
