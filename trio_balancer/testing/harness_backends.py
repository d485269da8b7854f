"""The backends of a balancer under test: find them, add to them, start servers for them."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.config.model import BackendConfig
from trio_balancer.health.service import watch_backend
from trio_balancer.network import SocketNetwork
from trio_balancer.testing.events import EventKind
from trio_balancer.testing.harness_config import BackendAddress, backend_text
from trio_balancer.testing.nemesis import BackendHandle, Surroundings
from trio_balancer.testing.server_handle import ServerHandle
from trio_balancer.testing.server_process import ServerError, ServerProcess
from trio_balancer.wire.address import NamedAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.policy import Backend, Pool
    from trio_balancer.testing.observer import Observer
    from trio_balancer.testing.runner import Runner
    from trio_balancer.testing.watched_network import WatchedNetwork
    from trio_balancer.wire.address import Address, SocketAddress

#: How a test names a backend: its place in the pool, its name, or its address.
Which = int | BackendAddress


@final
class Backends:
    """The handles of all backends, made when they are asked for."""

    def __init__(self, network: WatchedNetwork, runner: Runner, observer: Observer) -> None:
        self.servers: list[ServerProcess] = []
        self._network = network
        self._runner = runner
        self._observer = observer
        self._surroundings = Surroundings(network, runner, observer.timeline)
        self._handles: dict[Backend, BackendHandle] = {}

    def handles(self, pool: str | None) -> list[BackendHandle]:
        """Return those of one pool, or of all."""
        pools = self._runner.runtime.pools
        chosen = pools.values() if pool is None else [self.pool(pool)]
        return [self._handle(each, backend) for each in chosen for backend in each.backends]

    def _handle(self, pool: Pool, backend: Backend) -> BackendHandle:
        if backend not in self._handles:
            self._handles[backend] = BackendHandle(pool, backend, self._surroundings)
        return self._handles[backend]

    def find(self, which: Which, pool: str | None) -> BackendHandle:
        """Return the one that is meant; raises LookupError when it is not exactly one."""
        handles = self.handles(pool)
        found = _meant(handles, which)
        if len(found) != 1:
            known = ", ".join(handle.name for handle in handles) or "none"
            number = "no backend is" if not found else "several pools have a backend"
            raise LookupError(f"{number} {which!r}; there are: {known}")
        return found[0]

    def pool(self, name: str | None) -> Pool:
        """Return a pool, or the one there is; raises LookupError."""
        pools = self._runner.runtime.pools
        if name is None and len(pools) == 1:
            [pool] = pools.values()
            return pool
        if name is None or name not in pools:
            raise LookupError(f"which pool? There are: {', '.join(pools)}")
        return pools[name]

    def reached(self, handle: BackendHandle) -> int:
        """Count the connections that reached a backend."""
        return self._observer.reached[handle.pool, handle.name]

    async def resolve(self, address: Address) -> SocketAddress:
        """Return an address to dial; raises OSError for a name that has none."""
        if not isinstance(address, NamedAddress):
            return address
        found = await self._network.inner.resolve(address)
        return found[0]

    async def add(self, address: Address, name: str | None, pool: str | None) -> BackendHandle:
        """Put a backend into a pool, and see to its checks."""
        entered = self.pool(pool)
        backend = self._enter(entered, BackendConfig(name or str(address), address))
        await self._watch(entered, backend)
        return self._handle(entered, backend)

    def _enter(self, pool: Pool, config: BackendConfig) -> Backend:
        if any(config.name == backend.name for backend in pool.backends):
            raise ValueError(f"pool {pool.name} has a backend named {config.name!r} already")
        backends = (*pool.config.backends, config)
        pool.reconfigure(attrs.evolve(pool.config, backends=backends), trio.current_time())
        [entered] = [backend for backend in pool.backends if backend.config == config]
        detail = f"at {config.address}"
        self._observer.timeline.add(EventKind.ADDED, backend=config.name, detail=detail)
        return entered

    async def _watch(self, pool: Pool, backend: Backend) -> None:
        runtime = self._runner.runtime
        watch = partial(
            watch_backend,
            network=runtime.network,
            names=runtime.names,
            rng=runtime.rng,
            log=runtime.log,
            legs=runtime.legs,
        )
        await self._runner.nursery.start(watch, pool, backend)

    async def spawn(
        self,
        command: Sequence[str] | str,
        instances: int,
        *,
        pool: str | None,
        name: str,
        env: dict[str, str],
        timeout: float,  # noqa: ASYNC109  # each server's, not the call's
    ) -> tuple[ServerHandle, ...]:
        """Start servers side by side, and put them into the pool when all of them serve."""
        real_sockets = isinstance(self._network.inner, SocketNetwork)
        if not real_sockets:
            raise RuntimeError("real servers cannot be reached through a network in memory")
        entered = self.pool(pool)
        words = shlex.split(command) if isinstance(command, str) else list(command)
        processes = [
            ServerProcess(words, self._network.inner, env=env, timeout=timeout)
            for _ in range(instances)
        ]
        self.servers += processes
        await start_all(processes)
        return tuple(
            [
                await self._join(process, entered, f"{name}-{number}")
                for number, process in enumerate(processes, len(self.servers) - instances + 1)
            ]
        )

    async def _join(self, process: ServerProcess, pool: Pool, name: str) -> ServerHandle:
        backend = self._enter(pool, BackendConfig(name, process.address))
        handle = ServerHandle(process, pool, backend, self._surroundings)
        self._handles[backend] = handle
        await self._watch(pool, backend)
        return handle


def _meant(handles: Sequence[BackendHandle], which: Which) -> Sequence[BackendHandle]:
    if isinstance(which, int):
        return [handles[which]] if -len(handles) <= which < len(handles) else []
    text = backend_text(which)
    return [handle for handle in handles if text in (handle.name, str(handle.own_address))]


async def start_all(processes: Sequence[ServerProcess]) -> None:
    """Start several at once; raises the error of the first that fails, bare."""
    failures: list[Exception] = []

    async def start(process: ServerProcess) -> None:
        try:
            await process.start()
        except (ServerError, OSError) as error:
            failures.append(error)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for process in processes:
            nursery.start_soon(start, process)
    if failures:
        raise failures[0]
