"""What `[control]` says."""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.wire.address import SocketAddress


class ControlLevel(Enum):
    """What clients of the runtime socket may do: look; clear counters too; anything."""

    USER = "user"
    OPERATOR = "operator"
    ADMIN = "admin"


@attrs.frozen
class ControlConfig:
    """`[control]`: the Unix socket for runtime commands, whose file mode is 0600."""

    socket: SocketAddress
    level: ControlLevel = ControlLevel.ADMIN
