"""A network in memory: hosts, ports, backlogs and name service with no port and no sleep.

It has no port, thread or clock of its own, so that a balancer over it runs in virtual time
(trio.testing.MockClock) and, with `determinism.py`, the same way every time.
"""

from __future__ import annotations

import errno
import math
import socket
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from itertools import count
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.network.kernel import os_error
from trio_balancer.network.seam import DialTimeoutError, Network, SocketOptions, Stream
from trio_balancer.testing.memory_connection import memory_connection
from trio_balancer.testing.memory_courier import Courier
from trio_balancer.testing.memory_listener import MemoryListener, overlap
from trio_balancer.testing.memory_stream import WINDOW, MemoryStream
from trio_balancer.testing.memory_wire import Wire
from trio_balancer.testing.virtual_link import VirtualLink
from trio_balancer.testing.virtual_links import ANYWHERE, VirtualLinks, find_place
from trio_balancer.wire.address import IP, InetAddress, NamedAddress, SocketAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.testing.memory_history import History

LISTENER_PORTS = range(20000, 32768)  # what port 0 picks, in this order
LOOPBACK_V4, LOOPBACK_V6 = IPv4Address("127.0.0.1"), IPv6Address("::1")
BACKLOG = 100  # places, unless asked otherwise
DEFAULTS = SocketOptions()
CLIENT_PORTS = range(32768, 61000)  # Linux's ephemeral range; used in turn, then again


@final
class MemoryNetwork(Network):
    """Every address exists and, without a `link`, answers at once: refused where nobody listens.

    `window` is how many bytes one direction of a connection holds before its sender waits. `seed`
    is what losses come from; `history` is told all that arrives.
    """

    def __init__(
        self, *, window: int = WINDOW, seed: int = 0, history: History | None = None
    ) -> None:
        #: What `resolve` finds; the ports do not matter.
        self.names: dict[str, Sequence[InetAddress]] = {}
        self._window = window
        self._listeners: list[MemoryListener] = []
        #: Where a firewall sends dials to an address instead.
        self.redirects: dict[SocketAddress, SocketAddress] = {}
        #: Both ends of every open connection, and where its client was going.
        self._open: dict[Stream, SocketAddress] = {}
        self._silent: set[SocketAddress] = set()
        self._healed = trio.lowlevel.ParkingLot()
        self._dials = count()
        self._connections = count(1)
        self._history = history
        self._links = VirtualLinks(seed)
        self._courier = Courier()

    def link(
        self,
        a: str | IP | SocketAddress,
        b: str | IP | SocketAddress = ANYWHERE,
        *,
        latency: float = 0.0,
        bandwidth: float = math.inf,
        loss: float = 0.0,
        retransmit: float = 0.2,
    ) -> VirtualLink:
        """Put a link between two places, for all connections that join them, from now on.

        A place is an IP ("10.0.0.1"), an address with its port ("10.0.0.1:80", "unix:/path"), a
        name in `names`, or "*" for all; where several links fit, the one made last counts. Both
        directions have `latency` (seconds, one way; a dial takes twice that) and `bandwidth`
        (bytes a second, which connections share). A segment is lost with the probability `loss`,
        and sent again after `retransmit` seconds, and twice as long each further time.

        Raises ValueError for a place or a number that cannot be.
        """
        ends = find_place(a, self.names), find_place(b, self.names)
        link = VirtualLink(
            ends, latency=latency, bandwidth=bandwidth, loss=loss, retransmit=retransmit
        )
        self._links.add(link)
        return link

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int = BACKLOG,
        v6only: bool = False,
        mode: int | None = None,  # noqa: ARG002  # no files here
        options: SocketOptions = DEFAULTS,  # noqa: ARG002  # no peer here vanishes silently
    ) -> MemoryListener:
        """Listen; raises OSError (EADDRINUSE). A backlog of 0 has one place."""
        await trio.lowlevel.checkpoint()
        if isinstance(address, InetAddress) and address.port == 0:
            address = self._with_free_port(address, v6only=v6only)
        if self._is_taken(address, v6only=v6only):
            raise os_error(errno.EADDRINUSE)
        listener = MemoryListener(
            address, backlog=backlog, v6only=v6only, on_close=self._listeners.remove
        )
        self._listeners.append(listener)
        return listener

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions = DEFAULTS,  # noqa: ARG002  # no peer here vanishes silently
        deadline: float = math.inf,
        source: SocketAddress | IP | None = None,
    ) -> MemoryStream:
        """Dial, from `source` or from this host; the next port where none is given.

        Raises ConnectionRefusedError where nobody listens; waits while the backlog is full or
        the address is a black hole.
        """
        await trio.lowlevel.checkpoint()
        reached = self.redirects.get(address, address)
        host = source if isinstance(source, SocketAddress) else _host(address, source)
        with trio.move_on_at(deadline) as patience:
            latency = await self._links.shake_hands(host, reached)
            listener = await self._reach(reached)
        if patience.cancelled_caught:
            raise DialTimeoutError(errno.ETIMEDOUT, "no answer in time")
        if not isinstance(source, SocketAddress):
            host = self._with_next_port(host)
        client, server = self._join(host, reached)
        self._open.update({client: address, server: address})
        if latency:
            # The server hears of it with the third packet of the handshake.
            self._courier.call_at(trio.current_time() + latency, partial(listener.offer, server))
        else:
            listener.offer(server)
        return client

    def _join(
        self, source: SocketAddress, target: SocketAddress
    ) -> tuple[MemoryStream, MemoryStream]:
        number = next(self._connections)
        up = Wire(self._links, self._courier, source, target, name=f"{number}/up")
        down = Wire(self._links, self._courier, target, source, name=f"{number}/down")
        history = None if self._history is None else self._history.begin(source, target)
        return memory_connection(
            source,
            target,
            window=self._window,
            on_close=self._closed,
            wires=(up, down),
            history=history,
        )

    def original_destination(self, client: Stream) -> InetAddress:
        """Return what the client has dialled; see `redirects`."""
        address = self._open.get(client)
        if not isinstance(address, InetAddress):
            raise os_error(errno.ENOENT)
        return address

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        """Look up in `names`."""
        await trio.lowlevel.checkpoint()
        found = self.names.get(address.name)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(dict.fromkeys(attrs.evolve(each, port=address.port) for each in found))

    def blackhole(self, address: SocketAddress) -> None:
        """Let dials to this address go unanswered until `heal`."""
        self._silent.add(address)

    def heal(self, address: SocketAddress) -> None:
        """Answer again; dials that wait go on."""
        self._silent.discard(address)
        self._healed.unpark_all()

    def listener_at(self, address: SocketAddress) -> MemoryListener:
        """Find who answers a dial to this address; raises ConnectionRefusedError."""
        for listener in self._listeners:
            if listener.answers(address) and not listener.paused:
                return listener
        raise os_error(errno.ECONNREFUSED)

    def open_streams(self) -> list[MemoryStream]:
        """List both ends of every connection as far as nobody closed them, oldest first."""
        return [stream for stream in self._open if isinstance(stream, MemoryStream)]

    async def _reach(self, address: SocketAddress) -> MemoryListener:
        while True:
            while address in self._silent:
                await self._healed.park()
            listener = self.listener_at(address)
            if not listener.is_full:
                return listener
            await listener.wait_space()

    def _is_taken(self, address: SocketAddress, *, v6only: bool) -> bool:
        return any(
            listener.answers(address) or overlap(address, listener.address, v6only=v6only)
            for listener in self._listeners
        )

    def _with_free_port(self, address: InetAddress, *, v6only: bool) -> InetAddress:
        for port in LISTENER_PORTS:
            candidate = attrs.evolve(address, port=port)
            if not self._is_taken(candidate, v6only=v6only):
                return candidate
        raise os_error(errno.EADDRINUSE)

    def _with_next_port(self, host: SocketAddress) -> SocketAddress:
        if isinstance(host, UnixAddress):
            return host
        return attrs.evolve(host, port=CLIENT_PORTS[next(self._dials) % len(CLIENT_PORTS)])

    def _closed(self, stream: MemoryStream) -> None:
        del self._open[stream]


def _host(address: SocketAddress, ip: IP | None) -> SocketAddress:
    """Return where a dial comes from, without its port."""
    if isinstance(address, UnixAddress):
        return UnixAddress("")
    if ip is None:
        ip = LOOPBACK_V4 if isinstance(address.ip, IPv4Address) else LOOPBACK_V6
    return InetAddress(ip, 0)
