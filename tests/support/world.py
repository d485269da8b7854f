"""A whole balancer in memory, in virtual time, with its clients and its backends.

Time stands still while anybody can run, so every test here says exactly when something happens.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer import Balancer, Config, Record, parse_config, serve
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.network.seam import Network, PeerReset, SocketOptions
from trio_balancer.testing import MemoryListener, MemoryNetwork, MemoryStream
from trio_balancer.wire.address import InetAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from trio_balancer.flow.live import Runtime

    Behaviour = Callable[[MemoryStream], Awaitable[None]]

FRONT = inet_address("10.0.0.1", 80)
BACKEND = inet_address("10.0.1.1", 80)
OTHER = inet_address("10.0.1.2", 80)
THIRD = inet_address("10.0.1.3", 80)

NO_CHECKS = '[pools.app.health]\ntype = "none"\n'
OPTIONS = SocketOptions()


def make_config(
    *,
    listener: str = "",
    pool: str = "",
    balancer: str = "",
    more: str = NO_CHECKS,
    backends: Sequence[object] = (BACKEND,),
) -> Config:
    """Write a configuration with one listener `web` and one pool `app`; `more` comes last."""
    listed = f"backends = {[str(backend) for backend in backends]}\n" if backends else ""
    return parse_config(
        f"[balancer]\nmax_connections = 100\n{balancer}\n"
        f'[listeners.web]\nbind = "{FRONT}"\npool = "app"\n{listener}\n'
        f"[pools.app]\n{pool}\n{listed}{more}"
    )


async def echo(stream: MemoryStream) -> None:
    """Send back what comes, and finish when the peer does."""
    while data := await stream.receive_some():
        await stream.send_all(data)
    stream.close()


async def keep(_stream: MemoryStream) -> None:
    """Do nothing: the test has the stream in `Server.streams`."""


async def hang_up(stream: MemoryStream) -> None:
    """Reset before the first byte."""
    stream.reset()


@attrs.define(eq=False)
class Server:
    """A backend that a test plays; `streams` are all that it has accepted."""

    network: MemoryNetwork
    nursery: trio.Nursery
    address: InetAddress
    behave: Behaviour
    streams: list[MemoryStream] = attrs.field(factory=list)
    listener: MemoryListener | None = None

    async def start(self) -> None:
        """Listen, once more after `stop`."""
        listener = await self.network.listen(self.address, backlog=1000, options=OPTIONS)
        self.listener = listener
        self.nursery.start_soon(self._accept, listener)

    def stop(self) -> None:
        """Stop listening; connections that are there stay."""
        if self.listener is not None:
            self.listener.close()

    def crash(self) -> None:
        """Stop listening and reset everybody."""
        self.stop()
        for stream in self.streams:
            stream.reset()

    @property
    def live(self) -> list[MemoryStream]:
        """Those that are open on this side."""
        return [stream for stream in self.streams if not stream.closed]

    async def _accept(self, listener: MemoryListener) -> None:
        while not listener.closed:
            try:
                await listener.wait_ready()
                stream = listener.accept_nowait()
            except trio.ClosedResourceError:
                return
            self.streams.append(stream)
            self.nursery.start_soon(self._serve, stream)

    async def _serve(self, stream: MemoryStream) -> None:
        # A reset is how checks end, and clients that a test sends away.
        try:
            await self.behave(stream)
        except (PeerReset, trio.ClosedResourceError):
            stream.close()


@attrs.define(eq=False)
class World:
    """What is around one balancer, and what it tells of itself."""

    nursery: trio.Nursery
    network: MemoryNetwork = attrs.field(factory=MemoryNetwork)
    sink: MemorySink = attrs.field(factory=MemorySink)
    records: list[Record] = attrs.field(factory=list)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    returned: bool = False
    #: Unix seconds when trio's clock shows 0.
    wall_start: float = 0.0
    peers: list[MemoryStream] = attrs.field(factory=list)
    servers: list[Server] = attrs.field(factory=list)
    balancer: Balancer = attrs.field(init=False)

    async def serve(self, config: Config, *, network: Network | None = None) -> Balancer:
        """Run a balancer until it returns or `scope` is cancelled."""
        self.balancer = await self.nursery.start(self._run, config, network or self.network)
        return self.balancer

    async def _run(
        self, config: Config, network: Network, *, task_status: trio.TaskStatus[Balancer]
    ) -> None:
        with self.scope:
            await serve(
                config,
                network=network,
                wall_clock=lambda: self.wall_start + trio.current_time(),
                rng=random.Random(7),
                log_sink=self.sink,
                on_record=self.records.append,
                task_status=task_status,
            )
            self.returned = True

    @property
    def runtime(self) -> Runtime:
        """The balancer's own books, which it shows nobody else."""
        return self.balancer.runtime

    async def server(
        self, address: InetAddress = BACKEND, behave: Behaviour = echo, *, listening: bool = True
    ) -> Server:
        """Play a backend."""
        server = Server(self.network, self.nursery, address, behave)
        self.servers.append(server)
        if listening:
            await server.start()
        return server

    async def client(self, address: InetAddress = FRONT) -> MemoryStream:
        """Connect, and let the balancer do what it can do at once."""
        client = await self.network.connect(address, options=OPTIONS)
        self.peers.append(client)
        await wait_all_tasks_blocked()
        return client

    async def clients(self, count: int) -> list[MemoryStream]:
        """Connect several, one after the other."""
        return [await self.client() for _ in range(count)]

    async def until(self, condition: Callable[[], bool], *, within: float = 60) -> None:
        """Let time pass until a condition holds; raises trio.TooSlowError if it never does."""
        with trio.fail_after(within):
            while not condition():  # noqa: ASYNC110  # what is waited for knows no events
                await trio.sleep(0.01)

    async def crash_everybody(self) -> None:
        """Let every peer be gone, and the balancer see to what is left."""
        for client in self.peers:
            client.reset()
        for server in self.servers:
            server.crash()
        await wait_all_tasks_blocked()

    def endings(self) -> list[str]:
        """List the two letters of every record."""
        return [str(record.ending) for record in self.records]

    def lines(self, part: str) -> list[str]:
        """List the log lines that contain a text."""
        return [line for line in self.sink.lines if part in line]

    def assert_nothing_is_held(self) -> None:
        """Check that every connection has given everything back, and has its record."""
        assert not self.runtime.connections
        assert self.runtime.limiter.borrowed_tokens == 0
        assert not self.runtime.limiter.statistics().borrowers
        assert self.runtime.tarpitted == 0
        for gate in self.balancer.gates.values():
            assert gate.listener.limiter.borrowed_tokens == 0
            assert gate.listener.active == 0
            assert gate.listener.tarpitted == 0
            if gate.listener.access is not None:
                assert gate.listener.access.statistics().connections == 0
        for pool in self.runtime.pools.values():
            assert [backend.active for backend in pool.backends] == [0] * len(pool.backends)
            assert len(pool.line) == 0
        numbers = [record.number for record in self.records]
        assert sorted(numbers) == list(range(1, self.runtime.latest + 1))


async def receive_to_end(stream: MemoryStream) -> bytes:
    """Receive until the end-of-file; raises PeerReset where it is none."""
    received = bytearray()
    while data := await stream.receive_some():
        received += data
    return bytes(received)


async def is_reset(stream: MemoryStream) -> bool:
    """Say whether the stream ends with a reset, not with an end-of-file."""
    try:
        await receive_to_end(stream)
    except PeerReset:
        return True
    return False


async def trade(client: MemoryStream, data: bytes = b"ping") -> bytes:
    """Send, and receive as much."""
    await client.send_all(data)
    received = bytearray()
    while len(received) < len(data):
        received += await client.receive_some()
    return bytes(received)


async def finish(client: MemoryStream) -> None:
    """End a connection with an echoing backend in good order."""
    await client.send_eof()
    await receive_to_end(client)
    client.close()
    await wait_all_tasks_blocked()
