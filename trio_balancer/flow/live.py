"""What is known while it runs: of the balancer, and of each connection."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import attrs
import trio

from trio_balancer.config.model import Overflow
from trio_balancer.faults import ConnectionFaults, FaultBook
from trio_balancer.filters import FilterChain
from trio_balancer.flow.admission import Admission
from trio_balancer.flow.bridge import Bridge
from trio_balancer.flow.leg import Leg
from trio_balancer.flow.listener import ListenerState, Totals
from trio_balancer.flow.log import Log
from trio_balancer.flow.names import Names
from trio_balancer.flow.record import Ending, Phase, Record, Who
from trio_balancer.flow.service_meters import Meters
from trio_balancer.flow.terms import Terms
from trio_balancer.network.seam import Network, Stream
from trio_balancer.network.tls_info import TlsInfo
from trio_balancer.policy import Backend, Lease, Pool
from trio_balancer.relay import Relay, Sweepers
from trio_balancer.wire.address import SocketAddress
from trio_balancer.wire.proxy_protocol import ProxyHeader, readable


@attrs.define(eq=False)
class Greeting:
    """What a client has told before its pool was known; `prefix` is for the backend."""

    header: ProxyHeader | None = None
    server_name: str | None = None
    alpn: tuple[bytes, ...] = ()
    #: Whether its bytes are TLS, and how we have decrypted them, if we have.
    encrypted: bool = False
    tls: TlsInfo | None = None
    #: The stream below the TLS.
    transport: Stream | None = None
    prefix: bytes = b""

    def take_prefix(self) -> bytes:
        """Hand the prefix over; a long one is not kept for as long as the connection lives."""
        prefix, self.prefix = self.prefix, b""
        return prefix


@attrs.define(eq=False)
class Runtime:
    """The rooms that a connection walks through, and everybody who is in them."""

    network: Network
    pools: dict[str, Pool]
    names: Names
    sweepers: Sweepers
    limiter: trio.CapacityLimiter
    log: Log
    rng: random.Random
    wall_clock: Callable[[], float]
    overflow: Overflow
    relay: Relay | None = None
    #: None where nothing may be broken on purpose.
    faults: FaultBook | None = None
    #: Pools that a reload has removed: their last connections still use them.
    departed: dict[str, Pool] = attrs.Factory(dict)
    #: What a backend's connection begins with, by its pool, as far as there is anything.
    legs: dict[str, Leg] = attrs.Factory(dict)
    #: Called with each finished connection; see `observe`.
    observers: tuple[Callable[[Record], None], ...] = ()
    totals: Totals = attrs.Factory(Totals)
    meters: Meters = attrs.Factory(Meters)
    connections: dict[int, Connection] = attrs.Factory(dict)
    tarpitted: int = 0
    #: The number of the latest connection; numbers are also the order of who waits.
    latest: int = 0

    def observe(self, observer: Callable[[Record], None]) -> None:
        """Call `observer` with each connection that finishes from now on; it must not raise."""
        self.observers = (*self.observers, observer)

    def stop_observing(self, observer: Callable[[Record], None]) -> None:
        """Take back an `observe`; harmless where there was none."""
        self.observers = tuple(each for each in self.observers if each != observer)

    def on_backend(self, backend: Backend) -> list[Connection]:
        """Return the connections that hold a lease of this backend."""
        return [
            connection
            for connection in self.connections.values()
            if connection.lease is not None and connection.lease.backend is backend
        ]


@attrs.define(eq=False)
class Connection:
    """A connection while it lives; times are of trio's clock, but for `accepted_wall`."""

    runtime: Runtime
    listener: ListenerState
    #: Those of the listener when it was accepted.
    terms: Terms
    client: Stream
    #: The listener's address that the client reached.
    address: SocketAddress
    number: int
    accepted_at: float
    accepted_wall: float
    #: Who the client is to rules, hashing and logs: the socket's address, or the announced one.
    client_address: SocketAddress
    #: Its tokens, once it is let in; a refused client takes none.
    admission: Admission | None = None
    #: That of its nursery, once its task runs.
    scope: trio.CancelScope | None = None
    phase: Phase = Phase.REQUEST
    ending: Ending | None = None
    reason: str = ""
    pool: Pool | None = None
    lease: Lease | None = None
    #: The latest backend tried, also after its lease was given back.
    target: Backend | None = None
    backend: Stream | None = None
    bridge: Bridge | None = None
    chosen_at: float | None = None
    connect_time: float | None = None
    attempts: int = 0
    redispatched: bool = False
    pool_queue: int = 0
    greeting: Greeting | None = None
    filters: FilterChain | None = None
    faults: ConnectionFaults | None = None
    #: Whether both legs are closed, not reset, although it did not finish: a fault's wish.
    closes: bool = False
    #: Whether the access rules count it.
    admitted: bool = False
    #: Why it was turned away, in one word.
    refusal: str | None = None
    #: Where it goes instead of its backend's address, with `backends = "original-destination"`.
    destinations: Sequence[SocketAddress] = ()
    _unique_id: bytes | None = None

    def end(self, who: Who, reason: str) -> None:
        """Say who ended the connection, in the phase it is in, and why, and cancel it.

        The first to say so is believed.
        """
        if self.ending is None:
            self.ending = Ending(who, self.phase)
            self.reason = reason
        self.cancel()

    def cancel(self) -> None:
        """Cancel it without an ending, which then is `K`."""
        scope = self.scope if self.bridge is None else self.bridge.scope
        if scope is not None:
            scope.cancel()

    def unique_id(self) -> bytes:
        """Return what tells this connection from all others, also of other machines.

        It is the one announced to us, if there is one, else drawn the first time it is asked for.
        """
        if self._unique_id is None:
            self._unique_id = self._announced_id() or self._draw_id()
        return self._unique_id

    def told_unique_id(self) -> str | None:
        """Return the id that a header told, to us or to a backend, harmless within a log line."""
        told = self._unique_id or self._announced_id()
        return None if told is None else readable(told)

    def _announced_id(self) -> bytes | None:
        header = None if self.greeting is None else self.greeting.header
        return None if header is None else header.tlvs.unique_id

    def _draw_id(self) -> bytes:
        return f"{self.runtime.rng.getrandbits(128):032x}".encode()

    def client_reset(self) -> None:
        """End the wait of a client that is gone; its end-of-file would not."""
        self.end(Who.CLIENT, "the client reset")
