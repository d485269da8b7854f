"""What a valid `[listeners.NAME.access]` says, as frozen values."""

from __future__ import annotations

from datetime import tzinfo
from functools import cached_property
from typing import Final

import attrs

from trio_balancer.config.networks import IPNetwork

#: The word in a list that stands for all clients without an IP address.
UNIX: Final = "unix:"
#: The end of the day, in minutes after midnight.
MIDNIGHT: Final = 24 * 60


@attrs.frozen
class NetworkList:
    """What `allow` and `allow_file` say together, or `deny` and `deny_file`."""

    networks: tuple[IPNetwork, ...] = ()
    unix: bool = False


@attrs.frozen
class RateLimit:
    """So many `events` in so many `seconds`, and at most `burst` of them at once."""

    events: int
    seconds: float
    burst: int

    @cached_property
    def per_second(self) -> float:
        """The events in one second; cached, as it is wanted several times for every client."""
        return self.events / self.seconds


@attrs.frozen
class Window:
    """One of the `hours`: the days on which it starts, Monday being 0, and its local times.

    `start` and `end` are minutes after midnight, 0 to 1439 and 0 to 1440; the end is no part of
    it, and stands on the next day where it is not after the start.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: tzinfo

    @property
    def crosses_midnight(self) -> bool:
        """Whether it ends on the day after the one on which it starts."""
        return self.end < self.start


@attrs.frozen
class AccessConfig:
    """`[listeners.NAME.access]`.

    `allow` is None where there is neither an `allow` nor an `allow_file`; an empty list allows
    nobody. Without `hours` it is always open. A `tarpit` of 0 seconds is none. `max_clients`
    bounds the clients that are remembered, and an IPv6 client is all of its `ipv6_prefix` network.
    """

    allow: NetworkList | None = None
    deny: NetworkList = NetworkList()
    hours: tuple[Window, ...] = ()
    close_outside_hours: bool = False
    max_per_client: int | None = None
    rate_per_client: RateLimit | None = None
    rate: RateLimit | None = None
    ipv6_prefix: int = 64
    max_clients: int = 100_000
    tarpit: float = 0.0
