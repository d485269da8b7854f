"""A running balancer over real sockets, and connections that go through it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs
from support.eventually import eventually
from support.plain import accept, dial, listen
from trio import Nursery

from trio_balancer import Balancer, Record, serve
from trio_balancer.config.model import (
    BackendConfig,
    CheckType,
    Config,
    HealthConfig,
    ListenerConfig,
    PoolConfig,
)
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.network.kernel import from_kernel
from trio_balancer.wire.address import SocketAddress, inet_address

if TYPE_CHECKING:
    from trio.socket import SocketType

LOOPBACK = inet_address("127.0.0.1", 0)


@attrs.define(eq=False)
class Joined:
    """A balancer with one listener, and one backend of which a test has the listening socket."""

    balancer: Balancer
    backends: SocketType
    records: list[Record]

    @property
    def address(self) -> SocketAddress:
        """Where clients dial."""
        return self.balancer.addresses["web"][0]

    async def connect(self) -> tuple[SocketType, SocketType]:
        """Return a client's socket and the one that its backend has accepted."""
        client = await dial(self.address)
        return client, await accept(self.backends)

    async def record(self, number: int = 0) -> Record:
        """Wait for a record; the first one unless told otherwise."""
        await eventually(lambda: len(self.records) > number)
        return self.records[number]


async def start_joined(
    nursery: Nursery,
    bind: SocketAddress = LOOPBACK,
    backend: SocketAddress = LOOPBACK,
    **timeouts: float,
) -> Joined:
    """Start a balancer in the nursery; `timeouts` are those of a listener, in seconds."""
    backends = listen(backend)
    records: list[Record] = []
    config = Config(
        listeners={"web": ListenerConfig("web", (bind,), "app", **timeouts)},  # type: ignore[arg-type]  # all floats
        pools={"app": _pool(from_kernel(backends.getsockname()))},
    )
    run = partial(serve, config, log_sink=MemorySink(), on_record=records.append)
    return Joined(await nursery.start(run), backends, records)


def _pool(backend: SocketAddress) -> PoolConfig:
    # Without checks, so that whoever comes to the backend is a client.
    entry = BackendConfig(str(backend), backend)
    return PoolConfig("app", (entry,), health=HealthConfig(type=CheckType.NONE))
