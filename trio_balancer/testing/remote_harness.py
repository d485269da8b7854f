"""What a harness in another thread can be asked without waiting: the same for every test."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import trio

from trio_balancer.testing.conclusion import conclude
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.portal import Portal, open_portal
from trio_balancer.testing.remote_fault import RemoteFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from trio_balancer.flow.statistics import BalancerStatistics
    from trio_balancer.testing.connections import SeenConnection
    from trio_balancer.testing.events import Event
    from trio_balancer.testing.harness_backends import Which
    from trio_balancer.testing.harness_config import ConfigOrBackends
    from trio_balancer.wire.address import SocketAddress

T = TypeVar("T")


class RemoteHarness:
    """A balancer in another thread; snapshots are taken there, which takes a moment.

    All but `statistics` can still be asked for when it has ended.
    """

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
        return self._look(lambda: self._harness.address)

    @property
    def addresses(self) -> Mapping[str, tuple[SocketAddress, ...]]:
        """The bound addresses of each listener, with the real ports."""
        return self._look(lambda: self._harness.addresses)

    @property
    def connections(self) -> tuple[SeenConnection, ...]:
        """All connections in the order of their arrival: the live ones, the last 10 000 others."""
        return self._look(lambda: self._harness.connections)

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, in order; the last 50 000 events."""
        return self._look(lambda: self._harness.events)

    @property
    def log(self) -> tuple[str, ...]:
        """The balancer's log, in JSON, without the finished connections."""
        return self._look(lambda: self._harness.log)

    def statistics(self) -> BalancerStatistics:
        """Take a frozen snapshot of all counts, while it runs."""
        return self._portal.read(self._harness.statistics)

    def report(self) -> str:
        """Tell for people what went through the balancer."""
        return self._look(self._harness.report)

    def distribution(self, *, pool: str | None = None) -> dict[str, int]:
        """Count the connections that reached each backend so far, live ones included."""
        return self._look(partial(self._harness.distribution, pool=pool))

    def assert_distribution(
        self, expected: Mapping[Which, int], *, pool: str | None = None, tolerance: int = 0
    ) -> None:
        """Check how many connections each backend was given; see `Harness`."""
        __tracebackhide__ = True  # pytest then shows the test's own line
        check = partial(self._harness.assert_distribution, expected, pool=pool, tolerance=tolerance)
        self._look(check)

    def _look(self, function: Callable[[], T]) -> T:
        """Call it in the balancer's thread; in this one when that is over, and nothing changes."""
        __tracebackhide__ = True
        with suppress(trio.RunFinishedError):
            return self._portal.read(function)
        return function()

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
    ) -> Iterator[RemoteFault]:
        """Add a fault for as long as the block runs, on live connections too; see `Harness`.

        Nothing in it takes time, so that asyncio tests use it with a plain `with`.
        """
        block = self._harness.fault(
            kind,
            listener=listener,
            pool=pool,
            backend=backend,
            name=name,
            stream=stream,
            toxicity=toxicity,
            match=match,
            **attributes,
        )
        handle = self._portal.read(block.__enter__)
        try:
            yield RemoteFault(handle, self._portal)
        finally:
            self._look(partial(block.__exit__, None, None, None))


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
