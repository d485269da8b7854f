"""Choose how the bytes of each way move: in the relay, by socket calls, or as streams."""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, final

from trio_balancer.config.model import RelayKind
from trio_balancer.network import SocketNetwork
from trio_balancer.network.poller import HAVE_EPOLL, Poller
from trio_balancer.network.socket_stream import SocketStream
from trio_balancer.relay.bench import Bench
from trio_balancer.relay.copy import copy
from trio_balancer.relay.pipes import HAVE_SPLICE, PipePool
from trio_balancer.relay.portable import PortableTransfer
from trio_balancer.relay.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from trio_balancer.network.seam import Network
    from trio_balancer.relay.way import Outcome, Way


class Kind(Enum):
    """How bytes between plain sockets are moved."""

    EPOLL = "epoll"
    PORTABLE = "portable"
    STREAMS = "streams"


@final
class Relay:
    """Copies ways; whatever the kind, anything but two plain sockets is copied as streams.

    `poller` is that of the network whose sockets these are.
    """

    def __init__(self, kind: Kind, poller: Poller | None = None, *, splice: bool = True) -> None:
        self.kind = kind
        self.pipes = PipePool() if splice and HAVE_SPLICE and kind is Kind.EPOLL else None
        self._bench = None if poller is None else Bench(poller, self.pipes)

    def copy(self, way: Way, prefix: bytes = b"") -> Coroutine[None, None, Outcome]:
        """Move bytes one way until end-of-file, and pass it on; see `relay.copy.copy`.

        Not itself a coroutine: each frame of an idle connection's coroutines is memory.
        """
        source, sink = way.source, way.sink
        if not (isinstance(source, SocketStream) and isinstance(sink, SocketStream)):
            return copy(way, prefix)
        if self.kind is Kind.EPOLL and self._bench is not None:
            return Transfer(way, source, sink, self._bench).run(prefix)
        if self.kind is Kind.PORTABLE:
            return PortableTransfer(way, source, sink).run(prefix)
        return copy(way, prefix)

    def moves(self, way: Way) -> bool:
        """Whether it moves the bytes of a way faster than as streams; `leave_relay` ends that."""
        plain = isinstance(way.source, SocketStream) and isinstance(way.sink, SocketStream)
        return plain and self.kind is not Kind.STREAMS

    def close(self) -> None:
        """Close the pipes that are not in use."""
        if self.pipes is not None:
            self.pipes.close()


def make_relay(wanted: RelayKind, network: Network, *, splice: bool) -> Relay:
    """Return the relay that is wanted for a network's streams, or the fastest there is.

    Raises OSError when "epoll" is wanted where there is none.
    """
    if not isinstance(network, SocketNetwork):
        return Relay(Kind.STREAMS)
    if wanted is RelayKind.EPOLL and not HAVE_EPOLL:
        raise OSError(errno.ENOSYS, 'relay = "epoll" is wanted, but this system has no epoll')
    if wanted is RelayKind.PORTABLE or not HAVE_EPOLL:
        return Relay(Kind.PORTABLE)
    return Relay(Kind.EPOLL, network.poller, splice=splice)
