"""A balancer under test, as an asyncio test sees it: what takes time is awaited."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, final

from trio_balancer.testing.asyncio_backend import AsyncioBackend
from trio_balancer.testing.asyncio_calls import call, see_through
from trio_balancer.testing.conclusion import conclude
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.portal import open_portal
from trio_balancer.testing.remote_harness import RemoteHarness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import BackendAddress, ConfigOrBackends
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.testing.portal import Portal
    from trio_balancer.testing.toxiproxy.addresses import ApiAddress


@final
class AsyncioHarness(RemoteHarness):
    """A running balancer in a thread, what went through it, and what can be done to its backends.

    `open_balancer_asyncio` makes it; `Harness` explains each method.
    """

    async def wait(
        self,
        predicate: Callable[[AsyncioHarness], object],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109  # the error tells more than TimeoutError
    ) -> None:
        """Wait until the predicate holds, for at most `timeout` seconds.

        It is asked in the balancer's thread, with this harness, after each event and whenever
        bytes have moved. Raises AssertionError when it never held.
        """
        __tracebackhide__ = True  # pytest then shows the test's own line

        def holds(_inner: Harness) -> object:
            return predicate(self)

        await call(self._portal, partial(self._harness.wait, holds, timeout=timeout))

    def backend(self, which: Which, *, pool: str | None = None) -> AsyncioBackend:
        """Find a backend by its name, its address or its place in the pool (0: the first)."""
        return self._wrap(self._look(partial(self._harness.backend, which, pool=pool)))

    @property
    def backends(self) -> tuple[AsyncioBackend, ...]:
        """All backends of all pools."""
        return tuple(map(self._wrap, self._look(lambda: self._harness.backends)))

    async def add_backend(
        self, address: BackendAddress, *, name: str | None = None, pool: str | None = None
    ) -> AsyncioBackend:
        """Put another backend into a pool."""
        add = partial(self._harness.add_backend, address, name=name, pool=pool)
        return self._wrap(await call(self._portal, add))

    async def retarget(
        self, which: Which, address: BackendAddress, *, pool: str | None = None
    ) -> None:
        """Let new connections to a backend go to another address; those that are there stay."""
        await call(self._portal, partial(self._harness.retarget, which, address, pool=pool))

    async def spawn(
        self,
        command: Sequence[str] | str,
        *,
        instances: int = 1,
        pool: str | None = None,
        name: str = "server",
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109  # each server's, not the call's
    ) -> tuple[AsyncioBackend, ...]:
        """Start real servers on free ports, wait until they serve, put them into the pool."""
        spawn = partial(
            self._harness.spawn,
            command,
            instances=instances,
            pool=pool,
            name=name,
            env=env,
            timeout=timeout,
        )
        return tuple(map(self._wrap, await call(self._portal, spawn)))

    async def serve_toxiproxy(self, host: str = "127.0.0.1", port: int = 0) -> ApiAddress:
        """Answer clients of Toxiproxy's HTTP API at an address, until the end."""
        return await call(self._portal, partial(self._harness.serve_toxiproxy, host, port))

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # it resets, and raises nothing
        """Stop accepting, and wait until the last connection has ended."""
        await call(self._portal, partial(self._harness.drain, timeout))

    def _wrap(self, handle: BackendHandle) -> AsyncioBackend:
        return AsyncioBackend(handle, self._portal)


@asynccontextmanager
async def open_balancer_asyncio(
    config_or_backends: ConfigOrBackends = (),
    *,
    seed: int | None = None,
    overrides: Sequence[str] = (),
) -> AsyncIterator[AsyncioHarness]:
    """Run a balancer meanwhile, in a thread of its own; the parameters are `open_balancer`'s.

    It raises what that raises, and what the block raises leaves it as it is.
    """
    with open_portal() as portal:
        harness = await start_in_portal(portal, config_or_backends, seed, overrides)
        try:
            yield AsyncioHarness(harness, portal)
        except BaseException as error:
            conclude(await see_through(portal.submit(harness.stop)), error)
            raise
        conclude(await see_through(portal.submit(harness.stop)), None)


async def start_in_portal(
    portal: Portal,
    config_or_backends: ConfigOrBackends,
    seed: int | None,
    overrides: Sequence[str],
) -> Harness:
    """Start a balancer in a portal's thread, without blocking this one."""
    harness = portal.read(partial(Harness, config_or_backends, seed=seed, overrides=overrides))
    await call(portal, harness.start)
    return harness
