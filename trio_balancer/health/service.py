"""All that keeps the state of backends true: names, checks, ends of ejections."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import PoolConfig
from trio_balancer.config.model_health import CheckType
from trio_balancer.health.checker import keep_checking
from trio_balancer.health.ejections import Wakeup, keep_ending_ejections
from trio_balancer.health.target import target_of
from trio_balancer.wire.address import NamedAddress

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable, Mapping

    from trio_balancer.flow.leg import Leg
    from trio_balancer.flow.log import Log
    from trio_balancer.flow.names import Names
    from trio_balancer.network.seam import Network
    from trio_balancer.policy import Backend, Pool


@attrs.frozen(eq=False)
class _Watch:
    """A task that watches a backend, and what it was started with."""

    config: PoolConfig
    scope: trio.CancelScope = attrs.Factory(trio.CancelScope)
    #: Set after the first check, or when there will be none.
    checked: trio.Event = attrs.Factory(trio.Event)

    def started(self, value: None = None) -> None:  # noqa: ARG002  # this is a trio.TaskStatus
        """Hear of the first check."""
        self.checked.set()

    def is_for(self, config: PoolConfig) -> bool:
        """Whether it does what this configuration wants; an interval counts from its start."""
        ours = self.config.health, self.config.resolve_interval, self.config.source
        return ours == (config.health, config.resolve_interval, config.source)


class Watchers:
    """A task for each backend of `pools`, a live view, which `follow` brings up to date.

    `changed` is woken by every pool's `notify`. `legs` is how the connections of each pool begin.
    """

    def __init__(
        self,
        pools: Collection[Pool],
        *,
        network: Network,
        names: Names,
        rng: random.Random,
        log: Log,
        legs: Mapping[str, Leg],
        changed: Wakeup,
    ) -> None:
        self._pools = pools
        self._changed = changed
        self._watch_backend = partial(
            watch_backend, network=network, names=names, rng=rng, log=log, legs=legs
        )
        self._watches: dict[Backend, _Watch] = {}
        #: That of `run`, as long as it takes anybody in.
        self._nursery: trio.Nursery | None = None

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled; a service.

        Started after one round of checks, that is after the longest `timeout` at most.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                nursery.start_soon(keep_ending_ejections, self._pools, self._changed)
                await self.watch(self._pools)
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._nursery = None

    async def watch(self, pools: Iterable[Pool]) -> None:
        """Start to watch all backends of these pools; return after one round of checks."""
        started = [self._start(pool, backend) for pool in pools for backend in pool.backends]
        for watch in started:
            await watch.checked.wait()

    def follow(self) -> None:
        """Watch whoever is new, anew where the settings have changed, and nobody who is gone."""
        here = {backend: pool for pool in self._pools for backend in pool.backends}
        for backend, watch in list(self._watches.items()):
            if backend not in here or not watch.is_for(here[backend].config):
                watch.scope.cancel()
                del self._watches[backend]
        for backend, pool in here.items():
            if backend not in self._watches:
                self._start(pool, backend)

    def _start(self, pool: Pool, backend: Backend) -> _Watch:
        watch = self._watches[backend] = _Watch(pool.config)
        if self._nursery is None:
            watch.checked.set()  # it has ended: there is no check to wait for
        else:
            self._nursery.start_soon(self._run, watch, pool, backend)
        return watch

    async def _run(self, watch: _Watch, pool: Pool, backend: Backend) -> None:
        try:
            with watch.scope:
                await self._watch_backend(pool, backend, task_status=watch)
        finally:
            watch.checked.set()


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
