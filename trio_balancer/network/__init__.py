"""Everything from outside the process: the seam, and the real network behind it."""

from trio_balancer.network.seam import Listener, Network, PeerReset, SocketOptions, Stream
from trio_balancer.network.sockets import SocketListener, SocketNetwork, SocketStream

__all__ = [
    "Listener",
    "Network",
    "PeerReset",
    "SocketListener",
    "SocketNetwork",
    "SocketOptions",
    "SocketStream",
    "Stream",
]
