"""A balancer under test, as a trio test sees it."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network import SocketNetwork
from trio_balancer.network.real_time import check_real_time
from trio_balancer.testing.conclusion import BalancerBugError
from trio_balancer.testing.events import EventKind
from trio_balancer.testing.harness_backends import Backends
from trio_balancer.testing.harness_config import backend_address, make_config
from trio_balancer.testing.harness_faults import Faults
from trio_balancer.testing.harness_view import HarnessView
from trio_balancer.testing.leaks import LeakError, find_leaks, lookups_running
from trio_balancer.testing.observer import Observer
from trio_balancer.testing.runner import Runner
from trio_balancer.testing.watched_network import WatchedNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from trio_balancer.network.seam import Network
    from trio_balancer.testing.fault_handle import FaultHandle
    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import BackendAddress, ConfigOrBackends
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.testing.server_handle import ServerHandle
    from trio_balancer.testing.toxiproxy.addresses import ApiAddress

#: Seconds after which `wait` looks again: not all that it may ask for is told, such as a queue.
LOOK_AGAIN = 0.05


@final
class Harness(HarnessView):
    """A running balancer, what went through it, and what can be done to its backends.

    `open_balancer` makes it, and sees to its end. Not thread-safe: use it in its own trio loop.
    """

    def __init__(
        self,
        config_or_backends: ConfigOrBackends,
        *,
        network: Network | None = None,
        seed: int | None = None,
        overrides: Sequence[str] = (),
    ) -> None:
        seed = random.SystemRandom().getrandbits(32) if seed is None else seed
        inner = SocketNetwork() if network is None else network
        check_real_time(inner)
        config = make_config(config_or_backends, overrides)
        observer = Observer()
        self._network = WatchedNetwork(inner, observer)
        runner = Runner(config, self._network, observer, seed)
        backends = Backends(self._network, runner, observer)
        super().__init__(seed, runner, observer, backends)
        self._faults = Faults(runner, backends)
        self._lookups_before = lookups_running()

    async def wait(self, predicate: Callable[[Harness], object], *, timeout: float = 10.0) -> None:  # noqa: ASYNC109  # the error tells more than TooSlowError
        """Wait until the predicate holds, for at most `timeout` seconds.

        It is asked, with the harness, after each event and whenever bytes have moved. Raises
        AssertionError when it never held, with the timeline; what it raises itself goes through.
        """
        __tracebackhide__ = True  # pytest then shows the test's own line
        with trio.move_on_after(timeout):
            while not predicate(self):
                if self._runner.failure is not None:
                    raise self._runner.failure
                with trio.move_on_after(LOOK_AGAIN):
                    await self._observer.timeline.wait_change()
            return
        raise AssertionError(f"still not so after {timeout:g} s\n{self.report()}")

    async def add_backend(
        self, address: BackendAddress, *, name: str | None = None, pool: str | None = None
    ) -> BackendHandle:
        """Put another backend into a pool; returns when it was checked, where there are checks."""
        return await self._backends.add(backend_address(address), name, pool)

    async def retarget(
        self, which: Which, address: BackendAddress, *, pool: str | None = None
    ) -> None:
        """Let new connections to a backend go to another address; those that are there stay.

        A host name is looked up once, now. Raises OSError when it has no address.
        """
        handle = self._backends.find(which, pool)
        handle.retarget(await self._backends.resolve(backend_address(address)))

    async def spawn(
        self,
        command: Sequence[str] | str,
        *,
        instances: int = 1,
        pool: str | None = None,
        name: str = "server",
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,  # noqa: ASYNC109  # each server's, not the call's
    ) -> tuple[ServerHandle, ...]:
        """Start real servers on free ports, wait until they serve, put them into the pool.

        Each runs `command` (words, or a text that is split like a shell's) with the port instead
        of "{port}" and in the environment variable PORT, and must listen on 127.0.0.1. They are
        backends `name`-1, `name`-2, …, and are killed at the end at the latest, however this
        process ends. Raises ServerError, with what it printed, for one that does not serve within
        `timeout` seconds.
        """
        return await self._backends.spawn(
            command, instances, pool=pool, name=name, env=dict(env or {}), timeout=timeout
        )

    # What can be broken

    @contextmanager
    def fault(
        self,
        kind: str,
        /,
        *,
        listener: str | None = None,
        pool: str | None = None,
        backend: Which | None = None,
        name: str | None = None,
        stream: str = "downstream",
        toxicity: float = 1.0,
        match: Mapping[str, object] | None = None,
        **attributes: float,
    ) -> Iterator[FaultHandle]:
        """Add a fault for as long as the block runs, on live connections too.

        Types, attributes and matches are those of `docs/testing/faults.md`. It is on the one
        listener there is, or on that named; with `pool` or `backend` (as for the method
        `backend`) it is on what goes there. `stream` is "downstream" (to the client) or
        "upstream". Without a `name` it gets one; its draws come from the name and the seed.

        Raises FaultError for what makes no sense, LookupError for a place that is not there or
        not clear, ValueError for two places at once, and then adds nothing. Taken away meanwhile
        by somebody else, it just is gone.
        """
        table = {
            "type": kind,
            "name": name,
            # Those about connecting have none, so that it is not said where it need not be.
            "stream": None if stream == "downstream" else stream,
            "toxicity": toxicity,
            "match": match,
            "attributes": attributes,
        }
        handle = self._faults.add(table, listener=listener, pool=pool, backend=backend)
        try:
            yield handle
        finally:
            handle.remove()

    async def serve_toxiproxy(self, host: str = "127.0.0.1", port: int = 0) -> ApiAddress:
        """Answer clients of Toxiproxy's HTTP API at an address, until the end.

        Returns the real address, which has a `host`, a `port` and a `url`. Port 0 picks one.
        Raises BindError, and ConfigError without the extra `toxiproxy`.
        """
        from trio_balancer.testing.harness_toxiproxy import serve_toxiproxy  # noqa: PLC0415 - a cycle: it has a harness too

        return await serve_toxiproxy(self._runner, host, port)

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # it resets, and raises nothing
        """Stop accepting, and wait until the last connection has ended.

        Who is left after `timeout` seconds (by default `drain_timeout`) is reset.
        """
        self._runner.balancer.drain(timeout)
        await self._runner.ended.wait()

    # Its beginning and its end, for those who open it

    async def start(self) -> None:
        """Serve; raises what `serve` raises when that cannot be."""
        await self._runner.start()
        for handle in self.backends:
            self._observer.timeline.add(
                EventKind.ADDED, backend=handle.name, detail=f"at {handle.address}"
            )

    async def stop(self) -> Sequence[Exception]:
        """Stop at once, and return all that went wrong with the balancer itself."""
        servers = self._backends.servers
        for server in servers:
            await server.close()
        await self._runner.stop()
        self._network.close_unreachable()
        leaks = await find_leaks(self._runner, self._network, servers, self._lookups_before)
        self._network.abandon()
        problems: list[Exception] = [BalancerBugError(trace) for trace in self._observer.bugs]
        if self._runner.failure is not None:
            problems.append(self._runner.failure)
        if leaks:
            problems.append(LeakError(f"left behind: {'; '.join(leaks)}\n{self.report()}"))
        return problems
