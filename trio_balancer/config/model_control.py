"""What `[control]` says."""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.wire.address import SocketAddress

#: A file mode.
OWNER_ONLY = 0o600


class ControlLevel(Enum):
    """What clients of the runtime socket may do: look; clear counters too; anything."""

    USER = "user"
    OPERATOR = "operator"
    ADMIN = "admin"


@attrs.frozen
class ControlConfig:
    """`[control]`: the Unix socket for runtime commands; `mode` is its file mode."""

    socket: SocketAddress
    level: ControlLevel = ControlLevel.ADMIN
    mode: int = OWNER_ONLY
