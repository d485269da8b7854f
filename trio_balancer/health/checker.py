"""The checks of one backend, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import LogLevel
from trio_balancer.config.model_health import CheckType
from trio_balancer.flow.jitter import jittered
from trio_balancer.flow.leg import Leg
from trio_balancer.health.probe import ProbeResult, Verdict, probe
from trio_balancer.policy import LastCheck

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

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
    legs: Mapping[str, Leg],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Check a backend at once, then every `interval` seconds (10 % jitter); a service.

    Intervals run from the beginning of one check to the beginning of the next, and no two of
    them run at a time. Started after the first result, that is after `timeout` at most. The
    configuration is read anew for each check, so that a reload needs no restart; this returns
    when it says "none". `legs` is how the connections of each pool begin.
    """
    while (health := pool.config.health).type is not CheckType.NONE:
        next_check = trio.current_time() + jittered(health.interval, rng)
        result = await probe(
            network,
            names,
            health,
            backend.address,
            leg=check_leg(pool, legs),
            sources=pool.config.source,
        )
        _record(pool, backend, result, log)
        task_status.started()
        # `started` may be called once; from here on nobody waits for it.
        task_status = trio.TASK_STATUS_IGNORED
        await trio.sleep_until(next_check)
    task_status.started()


def check_leg(pool: Pool, legs: Mapping[str, Leg]) -> Leg | None:
    """Return how the checks of a pool begin: as its connections do, but for what is set apart.

    A check that goes elsewhere asks somebody else, who need know neither TLS nor headers.
    """
    leg, health = legs.get(pool.name), pool.config.health
    if leg is None:
        return None
    elsewhere = health.port is not None or health.address is not None
    tls = not elsewhere if health.tls is None else health.tls
    send_proxy = not elsewhere if health.send_proxy is None else health.send_proxy
    return Leg(leg.send_proxy if send_proxy else None, leg.tls if tls else None)


def _record(pool: Pool, backend: Backend, result: ProbeResult, log: Log) -> None:
    now = trio.current_time()
    if result.verdict is not Verdict.INCONCLUSIVE:
        backend.last_check = LastCheck(result.ok, result.reason, result.duration, now)
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
