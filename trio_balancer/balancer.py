"""The handle of a running balancer, as `serve` hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.statistics import BalancerStatistics, take_statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.config.model import Config
    from trio_balancer.flow.gate import Gate
    from trio_balancer.flow.live import Runtime
    from trio_balancer.flow.log import Log
    from trio_balancer.wire.address import SocketAddress


class Balancer:
    """Look at a running balancer, and stop it. Not thread-safe: use it in its own trio loop."""

    def __init__(self, runtime: Runtime, gates: Mapping[str, Gate], config: Config) -> None:
        self._runtime = runtime
        self._gates = gates
        #: The configuration in force.
        self.config = config
        #: When it began to serve, by trio's clock and by the wall clock (Unix seconds).
        self.started_at = trio.current_time()
        self.started_wall = runtime.wall_clock()
        #: False from the moment on that somebody asked it to stop.
        self.ready = True
        #: The bound addresses of each listener, with the real ports.
        self.addresses: Mapping[str, tuple[SocketAddress, ...]] = {
            name: tuple(socket.address for socket in gate.sockets) for name, gate in gates.items()
        }

    @property
    def runtime(self) -> Runtime:
        """The books that the balancer keeps; for its own control room."""
        return self._runtime

    @property
    def gates(self) -> Mapping[str, Gate]:
        """The listeners at work, by name."""
        return self._gates

    @property
    def log(self) -> Log:
        """The running log."""
        return self._runtime.log

    def statistics(self) -> BalancerStatistics:
        """Take a frozen snapshot of all counts."""
        return take_statistics(
            self._runtime, {name: gate.listener for name, gate in self._gates.items()}
        )

    def drain(self, timeout: float | None = None) -> None:
        """Stop accepting; `serve` returns when the last connection has ended.

        Who is left after `timeout` seconds (by default `drain_timeout`) is reset. A second call
        sets the deadline anew.
        """
        self.ready = False
        self.log.info("Draining", connections=len(self._runtime.connections))
        patience = self.config.balancer.drain_timeout if timeout is None else timeout
        for gate in self._gates.values():
            gate.drain(trio.current_time() + patience)

    async def stop(self) -> None:
        """Be no longer ready, go on accepting for `pre_stop_delay`, then drain.

        A load balancer in front of this one may need the delay to notice.
        """
        self.ready = False
        await trio.sleep(self.config.balancer.pre_stop_delay)
        self.drain()
