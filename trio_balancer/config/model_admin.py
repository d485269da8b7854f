"""What `[admin]` says, as frozen values."""

from __future__ import annotations

import attrs

from trio_balancer.wire.address import InetAddress


@attrs.frozen
class AdminConfig:
    """`[admin]`: the HTTP server for operators.

    `token` is what a request must carry, None: nothing; `hosts` are further names, in lower case,
    that it may be asked for by.
    """

    bind: tuple[InetAddress, ...]
    token: str | None = attrs.field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
