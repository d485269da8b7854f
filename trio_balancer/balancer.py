"""The handle of a running balancer, as `serve` hands it over."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from trio_balancer.config.problems import ConfigError
from trio_balancer.control.history import ReloadHistory
from trio_balancer.control.phase import Phase
from trio_balancer.control.reload import ReloadError, reload
from trio_balancer.flow.admit import empty_tarpit
from trio_balancer.flow.statistics import BalancerStatistics, take_statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from trio_balancer.config.model import Config
    from trio_balancer.control.difference import Changes
    from trio_balancer.control.house import House
    from trio_balancer.faults import FaultBook
    from trio_balancer.flow.gate import Gate
    from trio_balancer.flow.live import Runtime
    from trio_balancer.flow.log import Log
    from trio_balancer.policy import Pool
    from trio_balancer.wire.address import SocketAddress


class Balancer:
    """Look at a running balancer, change it, and stop it.

    Not thread-safe: use it in its own trio loop.
    """

    def __init__(
        self,
        house: House,
        config: Config,
        services: trio.Nursery,
        load: Callable[[], Config] | None,
    ) -> None:
        self._house = house
        self._load = load
        self._reloading = trio.Lock()
        #: The configuration in force.
        self.config = config
        #: For tasks that belong to the balancer; cancelled when its last connection has ended.
        self.services = services
        #: What became of the reloads up to now.
        self.reloads = ReloadHistory()
        #: When it began to serve, by trio's clock and by the wall clock (Unix seconds).
        self.started_at = trio.current_time()
        self.started_wall = house.runtime.wall_clock()
        #: By trio's clock, when whoever is left will be reset; inf until it is drained.
        self.drain_deadline = math.inf
        #: The tasks that rebalance a pool; see `control/rebalance.py`.
        self.rebalancing: dict[Pool, trio.CancelScope] = {}
        #: Called with what it is busy with from now on, synchronously; they must not raise.
        self.followers: list[Callable[[Phase], None]] = []
        #: False from the moment on that somebody asked it to stop.
        self.ready = True

    @property
    def runtime(self) -> Runtime:
        """The books that the balancer keeps; for its own control room."""
        return self._house.runtime

    @property
    def gates(self) -> Mapping[str, Gate]:
        """The listeners at work, by name."""
        return self._house.gates.in_force

    @property
    def leaving(self) -> Collection[Gate]:
        """The listeners that a reload has removed and that serve their last clients."""
        return self._house.gates.leaving

    @property
    def addresses(self) -> Mapping[str, tuple[SocketAddress, ...]]:
        """The bound addresses of each listener, with the real ports."""
        return {
            name: tuple(socket.address for socket in gate.sockets)
            for name, gate in self.gates.items()
        }

    @property
    def log(self) -> Log:
        """The running log."""
        return self.runtime.log

    @property
    def faults(self) -> FaultBook | None:
        """What breaks connections on purpose, in a test; None where nothing may."""
        return self.runtime.faults

    def statistics(self) -> BalancerStatistics:
        """Take a frozen snapshot of all counts."""
        listeners = {name: gate.listener for name, gate in self.gates.items()}
        return take_statistics(self.runtime, listeners)

    async def reload(self, config: Config | None = None) -> Changes:
        """Take over another configuration, or that of the file as it is now.

        Only what has changed is touched, and connections go on; see "Reload" in the design. One
        reload runs at a time, others wait. Raises ConfigError when the configuration, or what it
        names, cannot be used, or not without a restart; BindError when an address cannot be bound;
        OSError for the log; ReloadError without a file, or while it stops. Then nothing has
        changed, and the log says why.
        """
        return await self.amend(lambda _old: self._read() if config is None else config)

    async def amend(self, change: Callable[[Config], Config]) -> Changes:
        """Reload what `change` makes of the configuration in force when its turn comes."""
        async with self._reloading:
            self._tell(Phase.RELOADING)
            try:
                return await self._go_over(change)
            finally:
                self._tell(Phase.SERVING if self.ready else Phase.STOPPING)

    async def _go_over(self, change: Callable[[Config], Config]) -> Changes:
        try:
            new = change(self.config)
            changes = await reload(self._house, self.config, new)
        except (ConfigError, OSError, ReloadError) as error:
            self._reload_failed(error)
            raise
        self.config = new
        self.reloads.succeeded(self.runtime.wall_clock())
        message = f"Reloaded: {changes}"
        self.log.info(message)
        return changes

    def _tell(self, phase: Phase) -> None:
        for follower in self.followers:
            follower(phase)

    def _read(self) -> Config:
        if self._load is None:
            raise ReloadError("there is no file to reload")
        return self._load()

    def _reload_failed(self, error: ConfigError | OSError | ReloadError) -> None:
        message = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        self.reloads.gave_up(self.runtime.wall_clock(), message)
        for line in message.splitlines():
            self.log.error("Not reloaded, nothing has changed", reason=line)

    def _stop_being_ready(self) -> None:
        if self.ready:
            self.ready = False
            self._tell(Phase.STOPPING)

    def drain(self, timeout: float | None = None) -> None:
        """Stop accepting; `serve` returns when the last connection has ended.

        Who is left after `timeout` seconds (by default `drain_timeout`) is reset. A second call
        sets the deadline anew.
        """
        self._stop_being_ready()
        self.log.info("Draining", connections=len(self.runtime.connections))
        patience = self.config.balancer.drain_timeout if timeout is None else timeout
        self.drain_deadline = trio.current_time() + patience
        self._house.gates.drain(self.drain_deadline)
        empty_tarpit(self.runtime)

    async def stop(self) -> None:
        """Be no longer ready, go on accepting for `pre_stop_delay`, then drain.

        A load balancer in front of this one may need the delay to notice.
        """
        self._stop_being_ready()
        await trio.sleep(self.config.balancer.pre_stop_delay)
        self.drain()
