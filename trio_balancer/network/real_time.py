"""Real sockets and a clock that jumps do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.network.sockets import SocketNetwork

if TYPE_CHECKING:
    from trio_balancer.network.seam import Network


def check_real_time(network: Network) -> None:
    """Raise RuntimeError for real sockets in a trio run under a MockClock.

    It would jump ahead whenever no task can run, which is also while bytes are on their way, and
    every timeout would come true.
    """
    # Known by what it can do: its class is in trio.testing, which nobody else here has to import.
    jumps = hasattr(trio.lowlevel.current_clock(), "jump")
    if jumps and isinstance(network, SocketNetwork):
        raise RuntimeError(
            "real sockets do not know of a MockClock, which would jump ahead while bytes are on "
            "their way: give network=MemoryNetwork(), have neither [admin] nor Toxiproxy's API, "
            "or use trio's own clock"
        )
