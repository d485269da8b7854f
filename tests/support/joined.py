"""A running balancer over real sockets, and connections that go through it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio
from support import relays
from support.eventually import eventually
from support.plain import accept, dial, listen

from trio_balancer import Balancer, Record, serve
from trio_balancer.config.model import BackendConfig, Config, ListenerConfig, PoolConfig
from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.network.kernel import from_kernel
from trio_balancer.wire.address import SocketAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.socket import SocketType

LOOPBACK = inet_address("127.0.0.1", 0)


@attrs.define(eq=False)
class Joined:
    """A balancer with one listener, and one backend of which a test has the listening socket."""

    balancer: Balancer
    backends: SocketType
    records: list[Record]
    made: list[SocketType] = attrs.field(factory=list)

    @property
    def address(self) -> SocketAddress:
        """Where clients dial."""
        return self.balancer.addresses["web"][0]

    async def dial(self, *, window: int | None = None) -> SocketType:
        """Connect a client; closed at the end of the test at the latest, as all sockets here."""
        client = await dial(self.address, window=window)
        self.made.append(client)
        return client

    async def accept(self) -> SocketType:
        """Accept the next connection that the balancer has made to the backend."""
        backend = await accept(self.backends)
        self.made.append(backend)
        return backend

    async def connect(self, *, window: int | None = None) -> tuple[SocketType, SocketType]:
        """Return a client's socket and the one that its backend has accepted.

        `window` is the size of the client's receive buffer.
        """
        client = await self.dial(window=window)
        return client, await self.accept()

    async def record(self, number: int = 0) -> Record:
        """Wait for a record; the first one unless told otherwise."""
        await eventually(lambda: len(self.records) > number)
        return self.records[number]

    def close(self) -> None:
        """Close the test's own ends."""
        for sock in (self.backends, *self.made):
            sock.close()


@asynccontextmanager
async def joining(
    bind: SocketAddress = LOOPBACK,
    backend: SocketAddress = LOOPBACK,
    backlog: int = 512,
    *,
    faults: bool = False,
    **timeouts: float,
) -> AsyncIterator[Joined]:
    """Run a balancer meanwhile; `backlog` is the backend's.

    With `faults` connections may be broken on purpose. `timeouts` are those of a listener, in
    seconds.
    """
    backends = listen(backend, backlog=backlog)
    records: list[Record] = []
    config = Config(
        balancer=relays.balancer_config(),
        listeners={"web": ListenerConfig("web", (bind,), "app", **timeouts)},  # type: ignore[arg-type]  # all floats
        pools={"app": _pool(from_kernel(backends.getsockname()))},
    )
    run = partial(serve, config, faults=faults, log_sink=MemorySink(), on_record=records.append)
    async with trio.open_nursery() as nursery:
        joined = Joined(await nursery.start(run), backends, records)
        try:
            yield joined
        finally:
            joined.close()
        assert joined.balancer.statistics().traffic.bugs == 0
        nursery.cancel_scope.cancel()


def _pool(backend: SocketAddress) -> PoolConfig:
    # Without checks, so that whoever comes to the backend is a client.
    entry = BackendConfig(str(backend), backend)
    return PoolConfig("app", (entry,), health=HealthConfig(type=CheckType.NONE))
