"""The checks of one backend, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import CheckType, LogLevel
from trio_balancer.flow.jitter import jittered
from trio_balancer.health.probe import ProbeResult, Verdict, probe

if TYPE_CHECKING:
    import random

    from trio_balancer.flow.log import Log
    from trio_balancer.flow.names import Names
    from trio_balancer.network.seam import Network
    from trio_balancer.policy import Backend, Pool


async def keep_checking(
    pool: Pool,
    backend: Backend,
    *,
    network: Network,
    names: Names,
    rng: random.Random,
    log: Log,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Check a backend at once, then every `interval` seconds (10 % jitter); a service.

    Intervals run from the beginning of one check to the beginning of the next, and no two of
    them run at a time. Started after the first result, that is after `timeout` at most. The
    configuration is read anew for each check, so that a reload needs no restart; this returns
    when it says "none".
    """
    while (health := pool.config.health).type is not CheckType.NONE:
        next_check = trio.current_time() + jittered(health.interval, rng)
        result = await probe(network, names, health, backend.address)
        _record(pool, backend, result, log)
        task_status.started()
        # `started` may be called once; from here on nobody waits for it.
        task_status = trio.TASK_STATUS_IGNORED
        await trio.sleep_until(next_check)
    task_status.started()


def _record(pool: Pool, backend: Backend, result: ProbeResult, log: Log) -> None:
    now = trio.current_time()
    if result.verdict is Verdict.PASSED:
        pool.check_passed(backend, now, result.reason)
    elif result.verdict is Verdict.FAILED:
        pool.check_failed(backend, now, result.reason)
    else:
        log.limited(
            "check",
            LogLevel.WARNING,
            "A health check could not be made",
            pool=pool.name,
            backend=backend.name,
            reason=result.reason,
        )
