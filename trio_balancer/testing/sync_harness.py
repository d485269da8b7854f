"""A balancer under test, as a test without async sees it: every call blocks."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, final

from trio_balancer.testing.remote_harness import RemoteHarness, open_in_thread
from trio_balancer.testing.sync_backend import SyncBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from trio_balancer.testing.harness import Harness
    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import BackendAddress, ConfigOrBackends
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.testing.toxiproxy.addresses import ApiAddress


@final
class SyncHarness(RemoteHarness):
    """A running balancer in a thread, what went through it, and what can be done to its backends.

    `open_balancer_sync` makes it; `Harness` explains each method.
    """

    def wait(self, predicate: Callable[[SyncHarness], object], *, timeout: float = 10.0) -> None:
        """Wait until the predicate holds, for at most `timeout` seconds.

        It is asked in the balancer's thread, with this harness, after each event and whenever
        bytes have moved. Raises AssertionError when it never held.
        """

        def holds(_inner: Harness) -> object:
            return predicate(self)

        __tracebackhide__ = True  # pytest then shows the test's own line
        self._portal.call(partial(self._harness.wait, holds, timeout=timeout))

    def backend(self, which: Which, *, pool: str | None = None) -> SyncBackend:
        """Find a backend by its name, its address or its place in the pool (0: the first)."""
        return self._wrap(self._look(partial(self._harness.backend, which, pool=pool)))

    @property
    def backends(self) -> tuple[SyncBackend, ...]:
        """All backends of all pools."""
        return tuple(map(self._wrap, self._look(lambda: self._harness.backends)))

    def add_backend(
        self, address: BackendAddress, *, name: str | None = None, pool: str | None = None
    ) -> SyncBackend:
        """Put another backend into a pool."""
        add = partial(self._harness.add_backend, address, name=name, pool=pool)
        return self._wrap(self._portal.call(add))

    def retarget(self, which: Which, address: BackendAddress, *, pool: str | None = None) -> None:
        """Let new connections to a backend go to another address; those that are there stay."""
        self._portal.call(partial(self._harness.retarget, which, address, pool=pool))

    def spawn(
        self,
        command: Sequence[str] | str,
        *,
        instances: int = 1,
        pool: str | None = None,
        name: str = "server",
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> tuple[SyncBackend, ...]:
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
        return tuple(map(self._wrap, self._portal.call(spawn)))

    def serve_toxiproxy(self, host: str = "127.0.0.1", port: int = 0) -> ApiAddress:
        """Answer clients of Toxiproxy's HTTP API at an address, until the end."""
        return self._portal.call(partial(self._harness.serve_toxiproxy, host, port))

    def drain(self, timeout: float | None = None) -> None:
        """Stop accepting, and wait until the last connection has ended."""
        self._portal.call(partial(self._harness.drain, timeout))

    def _wrap(self, handle: BackendHandle) -> SyncBackend:
        return SyncBackend(handle, self._portal)


@contextmanager
def open_balancer_sync(
    config_or_backends: ConfigOrBackends = (),
    *,
    seed: int | None = None,
    overrides: Sequence[str] = (),
) -> Iterator[SyncHarness]:
    """Run a balancer meanwhile, in a thread of its own; the parameters are `open_balancer`'s.

    It raises what that raises, and what the block raises leaves it as it is.
    """
    with open_in_thread(config_or_backends, seed, overrides) as (harness, portal):
        yield SyncHarness(harness, portal)
