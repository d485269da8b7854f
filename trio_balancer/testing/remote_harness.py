"""What a harness in another thread can be asked without waiting: the same for every test."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from trio_balancer.testing.conclusion import conclude
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.portal import Portal, open_portal
from trio_balancer.testing.server_handle import ServerHandle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trio_balancer.flow.statistics import BalancerStatistics
    from trio_balancer.policy import State
    from trio_balancer.testing.connections import SeenConnection
    from trio_balancer.testing.events import Event
    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import ConfigOrBackends
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.wire.address import Address, SocketAddress


class RemoteBackend:
    """A backend of a balancer in another thread."""

    def __init__(self, handle: BackendHandle, portal: Portal) -> None:
        self._handle = handle
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self._handle)

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self._handle.name

    @property
    def pool(self) -> str:
        """The name of its pool."""
        return self._handle.pool

    @property
    def address(self) -> Address:
        """Where connections to it go now."""
        return self._handle.address

    @property
    def state(self) -> State:
        """What the balancer thinks of it."""
        return self._handle.state

    @property
    def active(self) -> int:
        """Connections that hold one of its slots now."""
        return self._handle.active

    @property
    def running(self) -> bool:
        """Whether the process of a server of `spawn` is there, be it paused."""
        return self._server.running

    def output(self) -> str:
        """Return what a server of `spawn` has printed so far."""
        return self._server.output()

    @property
    def _server(self) -> ServerHandle:
        if not isinstance(self._handle, ServerHandle):
            raise TypeError(f"{self!r} was not started by spawn")
        return self._handle


class RemoteHarness:
    """A balancer in another thread; snapshots are taken there, which takes a moment."""

    def __init__(self, harness: Harness, portal: Portal) -> None:
        self._harness = harness
        self._portal = portal

    @property
    def seed(self) -> int:
        """What every random choice of this balancer comes from."""
        return self._harness.seed

    @property
    def address(self) -> tuple[str, int]:
        """The host and port to connect to: the first one that is no Unix socket."""
        return self._harness.address

    @property
    def addresses(self) -> Mapping[str, tuple[SocketAddress, ...]]:
        """The bound addresses of each listener, with the real ports."""
        return self._harness.addresses

    @property
    def connections(self) -> tuple[SeenConnection, ...]:
        """All connections in the order of their arrival: the live ones, the last 10 000 others."""
        return self._portal.read(lambda: self._harness.connections)

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, in order; the last 50 000 events."""
        return self._portal.read(lambda: self._harness.events)

    @property
    def log(self) -> tuple[str, ...]:
        """The balancer's log, in JSON, without the finished connections."""
        return self._portal.read(lambda: self._harness.log)

    def statistics(self) -> BalancerStatistics:
        """Take a frozen snapshot of all counts."""
        return self._portal.read(self._harness.statistics)

    def report(self) -> str:
        """Tell for people what went through the balancer; also when it has ended."""
        return self._harness.report()

    def distribution(self, *, pool: str | None = None) -> dict[str, int]:
        """Count the connections that reached each backend so far, live ones included."""
        return self._portal.read(partial(self._harness.distribution, pool=pool))

    def assert_distribution(
        self, expected: Mapping[Which, int], *, pool: str | None = None, tolerance: int = 0
    ) -> None:
        """Check how many connections each backend was given; see `Harness`."""
        check = partial(self._harness.assert_distribution, expected, pool=pool, tolerance=tolerance)
        self._portal.read(check)


@contextmanager
def open_in_thread(
    config_or_backends: ConfigOrBackends, seed: int | None, overrides: Sequence[str]
) -> Iterator[tuple[Harness, Portal]]:
    """Run a balancer meanwhile, in a thread of its own; blocks while it starts and stops."""
    with open_portal() as portal:
        harness = portal.read(partial(Harness, config_or_backends, seed=seed, overrides=overrides))
        portal.call(harness.start)
        try:
            yield harness, portal
        except BaseException as error:
            conclude(portal.call(harness.stop), error)
            raise
        conclude(portal.call(harness.stop), None)
