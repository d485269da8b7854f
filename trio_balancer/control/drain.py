"""Drain a backend, a pool or the whole balancer: at once, or little by little.

At once means that nobody new comes, and that those who are there finish in their own time. Over a
time means that fewer and fewer come, and that those who are there are ended evenly, so that nobody
is left at its end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from trio_balancer.control.evenly import end_evenly
from trio_balancer.flow.record import Phase
from trio_balancer.policy import Admin

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.live import Connection, Runtime
    from trio_balancer.policy import Backend, Pool
    from trio_balancer.policy.fade_out import FadeOut


def drain_backend(balancer: Balancer, pool: Pool, backend: Backend, over: float = 0.0) -> None:
    """Drain one backend, over so many seconds; 0: at once.

    Whatever the operator wants of it meanwhile (`Pool.set_admin`) takes the place of this.
    """
    now = trio.current_time()
    if over > 0:
        fade_out = pool.fade_out(backend, over, now)
        balancer.services.start_soon(_fade_out, balancer.runtime, pool, backend, fade_out)
    else:
        pool.set_admin(backend, Admin.DRAIN, now)


def drain_pool(balancer: Balancer, pool: Pool, over: float = 0.0) -> None:
    """Drain all backends of a pool."""
    for backend in pool.backends:
        drain_backend(balancer, pool, backend, over)


def drain_balancer(balancer: Balancer, over: float | None = None) -> None:
    """Accept no more, and end everybody evenly over so many seconds.

    None: whoever is there may finish, within `drain_timeout`. A second call takes the place of
    the first.
    """
    balancer.drain(over)
    if over is not None:
        balancer.services.start_soon(_end_everybody, balancer, balancer.drain_deadline, over)


async def _fade_out(runtime: Runtime, pool: Pool, backend: Backend, fade_out: FadeOut) -> None:
    find = partial(_served_by, runtime, backend, fade_out)
    await end_evenly(find, f"{backend.name} is being drained", fade_out.duration)
    if backend.fade_out is fade_out and backend in pool.backends:
        pool.set_admin(backend, Admin.DRAIN, trio.current_time())


def _served_by(runtime: Runtime, backend: Backend, fade_out: FadeOut) -> list[Connection] | None:
    if backend.fade_out is not fade_out:
        return None
    return [each for each in runtime.on_backend(backend) if each.phase is Phase.DATA]


async def _end_everybody(balancer: Balancer, deadline: float, over: float) -> None:
    def find() -> list[Connection] | None:
        if balancer.drain_deadline != deadline:
            return None
        return list(balancer.runtime.connections.values())

    await end_evenly(find, "the balancer is being drained", over)
