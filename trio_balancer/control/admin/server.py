"""The admin server at work: bound before anything serves, running until everything has ended."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.control.admin.app import make_app
from trio_balancer.control.admin.errors import report_bug
from trio_balancer.control.admin.events import EventHub
from trio_balancer.control.admin.guard import Guard
from trio_balancer.control.admin.metrics import Metrics
from trio_balancer.control.admin.reception import Reception
from trio_balancer.flow.bind import BindError
from trio_balancer.network import SocketNetwork
from trio_balancer.network.errors import describe
from trio_balancer.network.real_time import check_real_time
from trio_balancer.network.seam import Listener, SocketOptions

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.control.operations import Operations
    from trio_balancer.wire.address import SocketAddress

BACKLOG = 64
#: Seconds to wait before it begins anew after a bug.
PAUSE = 5.0


async def bind_admin(config: AdminConfig) -> AdminServer:
    """Bind every address, or none; raises BindError, and RuntimeError under a MockClock."""
    network = SocketNetwork()
    check_real_time(network)
    server = AdminServer(config)
    try:
        for address in config.bind:
            server.listeners.append(await _bind(network, address))
    except BaseException:
        server.close()
        raise
    return server


async def _bind(network: SocketNetwork, address: SocketAddress) -> Listener:
    try:
        return await network.listen(address, backlog=BACKLOG, v6only=True, options=SocketOptions())
    except OSError as error:
        message = f"[admin] cannot bind {address}: {describe(error)}"
        raise BindError(error.errno, message) from error


@attrs.define(eq=False)
class AdminServer:
    """A bound admin server; `run` serves until cancelled, `close` lets go of the addresses."""

    config: AdminConfig
    listeners: list[Listener] = attrs.Factory(list)

    @property
    def addresses(self) -> tuple[SocketAddress, ...]:
        """The bound addresses, with the real ports."""
        return tuple(listener.address for listener in self.listeners)

    def close(self) -> None:
        """Close the listening sockets; idempotent."""
        for listener in self.listeners:
            listener.close()

    async def run(self, operations: Operations) -> None:
        """Serve until cancelled; what goes wrong in here is logged, and then it begins anew."""
        # What was counted outlives a bug: no counter may go backwards.
        metrics = Metrics(operations)
        try:
            with metrics.counting():
                while True:
                    await self._serve_safely(operations, metrics)
                    await trio.sleep(PAUSE)
        finally:
            self.close()

    async def _serve_safely(self, operations: Operations, metrics: Metrics) -> None:
        try:
            await self._serve(operations, metrics)
        except* Exception as bugs:  # noqa: BLE001 - the balancer goes on whatever breaks in here
            report_bug(operations.balancer.log, bugs)

    async def _serve(self, operations: Operations, metrics: Metrics) -> None:
        balancer, hub = operations.balancer, EventHub(operations)
        app = make_app(operations, partial(self._guard, balancer), hub, metrics)
        reception = Reception(app, balancer.log)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.run)
            for listener in self.listeners:
                nursery.start_soon(reception.accept_forever, listener, nursery)
                balancer.log.info("Admin server listening", address=listener.address)

    def _guard(self, balancer: Balancer) -> Guard:
        """Return the rules as the last reload has left them."""
        return Guard.of(balancer.config.admin or self.config)
