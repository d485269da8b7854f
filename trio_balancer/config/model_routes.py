"""What a valid configuration says of a listener's routes."""

from __future__ import annotations

from itertools import product

import attrs

Alternative = tuple[str | None, bytes | None]
"""A pattern of server names and a protocol; None where the client may say anything, or nothing."""


@attrs.frozen
class RouteConfig:
    """`[[listeners.NAME.routes]]`: the clients that it takes, and the pool that serves them.

    `sni` holds patterns in small letters: "a.example"; "*.b.example", any name below b.example;
    "*", any name. `alpn` holds protocols as they go over the wire. A client of TLS must match
    one of each that is not empty. `plain` takes those that do not speak TLS, and no others.
    """

    pool: str
    sni: tuple[str, ...] = ()
    alpn: tuple[bytes, ...] = ()
    plain: bool = False

    def alternatives(self) -> tuple[Alternative, ...]:
        """Return what a client of TLS may ask for to be taken: any one of these."""
        return () if self.plain else tuple(product(self.sni or (None,), self.alpn or (None,)))
