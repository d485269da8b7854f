"""What a test sees of its balancer, and what it can say about it without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.flow.statistics import BalancerStatistics
    from trio_balancer.testing.connections import SeenConnection
    from trio_balancer.testing.events import Event
    from trio_balancer.testing.harness_backends import Backends, Which
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.testing.observer import Observer
    from trio_balancer.testing.runner import Runner
    from trio_balancer.wire.address import SocketAddress


class HarnessView:
    """The part of `Harness` that looks, and changes nothing."""

    def __init__(self, seed: int, runner: Runner, observer: Observer, backends: Backends) -> None:
        #: What every random choice of this balancer comes from; give it again to repeat them.
        self.seed = seed
        self._runner = runner
        self._observer = observer
        self._backends = backends

    @property
    def addresses(self) -> Mapping[str, tuple[SocketAddress, ...]]:
        """The bound addresses of each listener, with the real ports."""
        return self._runner.balancer.addresses

    @property
    def address(self) -> tuple[str, int]:
        """The host and port to connect to: the first one that is no Unix socket.

        Drained, it is still told, though nobody listens there any more.
        """
        for bound in (*self.addresses.values(), *self._runner.bound.values()):
            for address in bound:
                if isinstance(address, InetAddress):
                    return address.host, address.port
        raise LookupError("this balancer listens at no TCP port; see addresses")

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

    # Its backends

    def backend(self, which: Which, *, pool: str | None = None) -> BackendHandle:
        """Find a backend by its name, its address or its place in the pool (0: the first).

        `pool` is needed where several pools have it. Raises LookupError when there is none.
        """
        return self._backends.find(which, pool)

    @property
    def backends(self) -> tuple[BackendHandle, ...]:
        """All backends of all pools."""
        return tuple(self._backends.handles(None))

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
        __tracebackhide__ = True  # pytest then shows the test's own line
        wanted = {self.backend(which, pool=pool).name: n for which, n in expected.items()}
        found = self.distribution(pool=pool)
        if any(abs(count - wanted.get(name, 0)) > tolerance for name, count in found.items()):
            raise AssertionError(f"expected {wanted}, found {found}\n{self.report()}")
