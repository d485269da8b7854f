"""A balancer's surroundings in memory: a network, a log, names, and servers as one likes them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from trio_balancer.config.model import LogConfig
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.flow.names import Names
from trio_balancer.network import SocketOptions
from trio_balancer.testing import MemoryNetwork

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.network import Listener, Stream
    from trio_balancer.wire.address import SocketAddress


@pytest.fixture
def rng() -> random.Random:
    return random.Random(5)


@pytest.fixture
def network() -> MemoryNetwork:
    return MemoryNetwork()


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def log(sink: MemorySink) -> Log:
    return Log(LogConfig(), sink, wall_clock=trio.current_time, pid=1)


@pytest.fixture
def names(network: MemoryNetwork, rng: random.Random, log: Log) -> Names:
    return Names(network, rng=rng, log=log)


@attrs.define(eq=False)
class _Servers:
    network: MemoryNetwork
    nursery: trio.Nursery

    async def start(
        self, address: SocketAddress, behave: Callable[[Stream], Awaitable[None]]
    ) -> Listener:
        listener = await self.network.listen(address, backlog=10, options=SocketOptions())
        self.nursery.start_soon(self._accept, listener, behave)
        return listener

    async def _accept(
        self, listener: Listener, behave: Callable[[Stream], Awaitable[None]]
    ) -> None:
        while True:
            try:
                await listener.wait_ready()
                stream = listener.accept_nowait()
            except trio.ClosedResourceError:
                return
            self.nursery.start_soon(self._serve, stream, behave)

    async def _serve(self, stream: Stream, behave: Callable[[Stream], Awaitable[None]]) -> None:
        # Checks reset; that is the usual end of a connection here.
        try:
            await behave(stream)
        except trio.BrokenResourceError:
            stream.close()


@pytest.fixture
def start_server(
    network: MemoryNetwork, nursery: trio.Nursery
) -> Callable[[SocketAddress, Callable[[Stream], Awaitable[None]]], Awaitable[Listener]]:
    """Start servers that do something with each connection, until the test is over."""
    return _Servers(network, nursery).start
