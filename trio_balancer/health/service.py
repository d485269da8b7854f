"""All that keeps the state of backends true: names, checks, ends of ejections."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import CheckType
from trio_balancer.health.checker import keep_checking
from trio_balancer.health.ejections import Wakeup, keep_ending_ejections
from trio_balancer.health.target import target_of
from trio_balancer.wire.address import NamedAddress

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Mapping

    from trio_balancer.flow.leg import Leg
    from trio_balancer.flow.log import Log
    from trio_balancer.flow.names import Names
    from trio_balancer.network.seam import Network
    from trio_balancer.policy import Backend, Pool


async def run_health(
    pools: Collection[Pool],
    *,
    network: Network,
    names: Names,
    rng: random.Random,
    log: Log,
    legs: Mapping[str, Leg],
    changed: Wakeup,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Watch all backends that these pools have now; a service.

    Started after one round of checks, that is after the longest `timeout` at most. `changed` is
    woken by every pool's `notify`.
    """
    watch = partial(watch_backend, network=network, names=names, rng=rng, log=log, legs=legs)
    async with trio.open_nursery() as services:
        services.start_soon(keep_ending_ejections, pools, changed)
        async with trio.open_nursery() as first_round:
            for pool in pools:
                for backend in pool.backends:
                    first_round.start_soon(services.start, watch, pool, backend)
        task_status.started()


async def watch_backend(
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
    """Resolve one backend's names and check it, until cancelled; a service.

    Started after the first check; where there are none, after the first look-up of the name.
    Both take at most `timeout`.
    """
    health = pool.config.health
    async with trio.open_nursery() as nursery:
        for name in _names_of(pool, backend):
            nursery.start_soon(names.keep_resolving, name, pool.config.resolve_interval)
        if health.type is CheckType.NONE:
            with trio.move_on_after(health.timeout):
                await names.wait_first_answer(backend.address)
        else:
            check = partial(
                keep_checking, network=network, names=names, rng=rng, log=log, legs=legs
            )
            await nursery.start(check, pool, backend)
        task_status.started()


def _names_of(pool: Pool, backend: Backend) -> list[NamedAddress]:
    """List what must be looked up to serve at this backend and to check it."""
    addresses = [backend.address]
    if pool.config.health.type is not CheckType.NONE:
        addresses.append(target_of(pool.config.health, backend.address).address)
    return [name for name in dict.fromkeys(addresses) if isinstance(name, NamedAddress)]
