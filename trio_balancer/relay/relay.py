"""Choose how the bytes of each way move: in the relay, by socket calls, or as streams."""

from __future__ import annotations

import errno
from enum import Enum
from typing import TYPE_CHECKING, final

from trio_balancer.config.model import RelayKind
from trio_balancer.network import SocketNetwork
from trio_balancer.network.poller import HAVE_EPOLL, Poller
from trio_balancer.network.socket_stream import SocketStream
from trio_balancer.relay.copy import copy
from trio_balancer.relay.pipes import HAVE_SPLICE, PipePool
from trio_balancer.relay.portable import copy_sockets
from trio_balancer.relay.transfer import Bench, HandedBack, Transfer

if TYPE_CHECKING:
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

    async def copy(self, way: Way, prefix: bytes = b"") -> Outcome:
        """Move bytes one way until end-of-file, and pass it on; see `relay.copy.copy`."""
        source, sink = way.source, way.sink
        if not (isinstance(source, SocketStream) and isinstance(sink, SocketStream)):
            return await copy(way, prefix)
        if self.kind is Kind.EPOLL and self._bench is not None:
            return await self._transfer(Transfer(way, source, sink, self._bench), way, prefix)
        if self.kind is Kind.PORTABLE:
            return await copy_sockets(way, source, sink, prefix)
        return await copy(way, prefix)

    async def _transfer(self, transfer: Transfer, way: Way, prefix: bytes) -> Outcome:
        way.leave_relay = transfer.hand_back
        try:
            result = await transfer.run(prefix)
        finally:
            way.leave_relay = None
        if isinstance(result, HandedBack):
            return await copy(way, result.unsent)
        return result

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
