"""A balancer under test, as an asyncio test sees it: what takes time is awaited."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar, final

from trio_balancer.testing.conclusion import conclude
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.portal import Portal, open_portal
from trio_balancer.testing.remote_harness import RemoteBackend, RemoteHarness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import BackendAddress, ConfigOrBackends
    from trio_balancer.testing.nemesis import BackendHandle

    AsyncioVerb = AbstractAsyncContextManager[None]

T = TypeVar("T")


async def call(portal: Portal, function: Callable[[], Awaitable[T]]) -> T:
    """Call an async function in the portal's trio loop; cancelled, it is cancelled there too."""
    return await asyncio.wrap_future(portal.submit(function))


@final
class AsyncioBackend(RemoteBackend):
    """What a test may do to a backend; each verb is a context manager that heals on leaving.

    `BackendHandle` and `ServerHandle` explain them.
    """

    def kill(self) -> AsyncioVerb:
        """Reset its connections, and refuse new ones; a server of `spawn` is killed (SIGKILL)."""
        return self._during(self._handle.kill)

    def pause(self) -> AsyncioVerb:
        """Let dials succeed, and then nothing come or go; a server of `spawn` is stopped."""
        return self._during(self._handle.pause)

    def partition(self) -> AsyncioVerb:
        """Let dials time out and connections go silent."""
        return self._during(self._handle.partition)

    def slow(self, latency: float = 0.0, rate: float = float("inf")) -> AsyncioVerb:
        """Let it answer late (seconds), and move few bytes (a second, each way)."""
        return self._during(partial(self._handle.slow, latency, rate))

    def flap(self, up: float, down: float) -> AsyncioVerb:
        """Kill it for `down` seconds, let it live for `up` seconds, and so on."""
        return self._during(partial(self._handle.flap, up, down))

    def drain(self) -> AsyncioVerb:
        """Give it no new connections; those that are there stay."""
        return self._during(self._handle.drain)

    async def restart(self) -> None:
        """Kill a server of `spawn`, start it again, and wait until it serves."""
        await call(self._portal, self._server.restart)

    @asynccontextmanager
    async def _during(
        self, verb: Callable[[], AbstractAsyncContextManager[None]]
    ) -> AsyncIterator[None]:
        block = verb()
        await call(self._portal, block.__aenter__)
        try:
            yield
        finally:
            healing = self._portal.submit(partial(block.__aexit__, None, None, None))
            try:
                await asyncio.shield(asyncio.wrap_future(healing))
            except asyncio.CancelledError:
                healing.result()  # it is in the other thread: this wait is short, and not skipped
                raise


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

        def holds(_inner: Harness) -> object:
            return predicate(self)

        await call(self._portal, partial(self._harness.wait, holds, timeout=timeout))

    def backend(self, which: Which, *, pool: str | None = None) -> AsyncioBackend:
        """Find a backend by its name, its address or its place in the pool (0: the first)."""
        return self._wrap(self._portal.read(partial(self._harness.backend, which, pool=pool)))

    @property
    def backends(self) -> tuple[AsyncioBackend, ...]:
        """All backends of all pools."""
        return tuple(map(self._wrap, self._portal.read(lambda: self._harness.backends)))

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
            conclude(await call(portal, harness.stop), error)
            raise
        conclude(await call(portal, harness.stop), None)


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
