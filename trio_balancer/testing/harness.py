"""A balancer under test, as a trio test sees it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, final

import trio
from trio.testing import MockClock

from trio_balancer.network import SocketNetwork
from trio_balancer.testing.conclusion import BalancerBugError
from trio_balancer.testing.events import EventKind
from trio_balancer.testing.harness_backends import Backends
from trio_balancer.testing.harness_config import backend_address, make_config
from trio_balancer.testing.leaks import LeakError, find_leaks, lookups_running
from trio_balancer.testing.observer import Observer
from trio_balancer.testing.runner import Runner
from trio_balancer.testing.watched_network import WatchedNetwork
from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trio_balancer.flow.statistics import BalancerStatistics
    from trio_balancer.network.seam import Network
    from trio_balancer.testing.connections import SeenConnection
    from trio_balancer.testing.events import Event
    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import BackendAddress, ConfigOrBackends
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.testing.server_handle import ServerHandle
    from trio_balancer.testing.toxiproxy.addresses import ApiAddress
    from trio_balancer.wire.address import SocketAddress

#: Seconds after which `wait` looks again: not all that it may ask for is told, such as a queue.
LOOK_AGAIN = 0.05


@final
class Harness:
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
        #: What every random choice of this balancer comes from; give it again to repeat them.
        self.seed = random.SystemRandom().getrandbits(32) if seed is None else seed
        inner = _checked_network(network)
        config = make_config(config_or_backends, overrides)
        self._observer = Observer()
        self._network = WatchedNetwork(inner, self._observer)
        self._runner = Runner(config, self._network, self._observer, self.seed)
        self._backends = Backends(self._network, self._runner, self._observer)
        self._lookups_before = lookups_running()

    # What there is to see

    @property
    def addresses(self) -> Mapping[str, tuple[SocketAddress, ...]]:
        """The bound addresses of each listener, with the real ports."""
        return self._runner.balancer.addresses

    @property
    def address(self) -> tuple[str, int]:
        """The host and port to connect to: the first one that is no Unix socket."""
        for bound in self.addresses.values():
            for address in bound:
                if isinstance(address, InetAddress):
                    return address.host, address.port
        raise LookupError("this balancer listens on Unix sockets only; see addresses")

    @property
    def connections(self) -> tuple[SeenConnection, ...]:
        """All connections in the order of their arrival: the live ones, the last 10 000 others."""
        return self._observer.connections()

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, in order; the last 50 000 events."""
        return tuple(self._observer.timeline)

    @property
    def log(self) -> tuple[str, ...]:
        """The balancer's log, in JSON, without the finished connections."""
        return tuple(self._observer.lines)

    def statistics(self) -> BalancerStatistics:
        """Take a frozen snapshot of all counts."""
        return self._runner.balancer.statistics()

    def report(self) -> str:
        """Tell for people what went through the balancer: the end of a failure's text."""
        return (
            f"trio-balancer, seed {self.seed}\n"
            f"connections by backend: {self.distribution()}\n"
            f"timeline (seconds since the start):\n{self._observer.timeline.text()}"
        )

    # Waiting and asserting

    async def wait(self, predicate: Callable[[Harness], object], *, timeout: float = 10.0) -> None:  # noqa: ASYNC109  # the error tells more than TooSlowError
        """Wait until the predicate holds, for at most `timeout` seconds.

        It is asked, with the harness, after each event and whenever bytes have moved. Raises
        AssertionError when it never held, with the timeline; what it raises itself goes through.
        """
        with trio.move_on_after(timeout):
            while not predicate(self):
                if self._runner.failure is not None:
                    raise self._runner.failure
                with trio.move_on_after(LOOK_AGAIN):
                    await self._observer.timeline.wait_change()
            return
        raise AssertionError(f"still not so after {timeout:g} s\n{self.report()}")

    def distribution(self, *, pool: str | None = None) -> dict[str, int]:
        """Count the connections that reached each backend so far, live ones included."""
        handles = self._backends.handles(pool)
        return {handle.name: self._backends.reached(handle) for handle in handles}

    def assert_distribution(
        self, expected: Mapping[Which, int], *, pool: str | None = None, tolerance: int = 0
    ) -> None:
        """Check how many connections each backend was given; one not mentioned had none.

        A backend is its name, its address or its place in the pool. `tolerance` is how far each
        count may be off. Ask when the clients were answered, or `wait` first: who has connected
        to the balancer may not have been passed on yet.
        """
        wanted = {self.backend(which, pool=pool).name: n for which, n in expected.items()}
        found = self.distribution(pool=pool)
        if any(abs(count - wanted.get(name, 0)) > tolerance for name, count in found.items()):
            raise AssertionError(f"expected {wanted}, found {found}\n{self.report()}")

    # What can be done

    def backend(self, which: Which, *, pool: str | None = None) -> BackendHandle:
        """Find a backend by its name, its address or its place in the pool (0: the first).

        `pool` is needed where several pools have it. Raises LookupError when there is none.
        """
        return self._backends.find(which, pool)

    @property
    def backends(self) -> tuple[BackendHandle, ...]:
        """All backends of all pools."""
        return tuple(self._backends.handles(None))

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

    async def serve_toxiproxy(self, address: ApiAddress) -> ApiAddress:
        """Answer clients of Toxiproxy's HTTP API at an address, until the end.

        Returns the real address, and raises BindError. Needs the extra `toxiproxy`.
        """
        from trio_balancer.testing.toxiproxy.proxies import Proxies  # noqa: PLC0415 - for those who ask
        from trio_balancer.testing.toxiproxy.server import serve_api  # noqa: PLC0415 - needs the extra

        proxies = Proxies(self._runner.balancer)
        bound: ApiAddress = await self._runner.nursery.start(serve_api, proxies, address)
        return bound

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


def _checked_network(network: Network | None) -> Network:
    """Return the network to use; refuse to mix real sockets with a clock that jumps."""
    network = SocketNetwork() if network is None else network
    virtual_time = isinstance(trio.lowlevel.current_clock(), MockClock)
    real_sockets = isinstance(network, SocketNetwork)
    if virtual_time and real_sockets:
        raise RuntimeError(
            "real sockets do not know of a MockClock, which would jump ahead while bytes are on "
            "their way: give network=MemoryNetwork(), or use trio's own clock"
        )
    return network
