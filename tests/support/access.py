"""Access rules and clients, with as little to say as possible."""

from __future__ import annotations

import datetime as dt
from typing import Any

from trio_balancer.config.model_access import AccessConfig, NetworkList, RateLimit, Window
from trio_balancer.config.networks import network
from trio_balancer.policy.access import Access
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address

ALICE, BOB, CAROL = (inet_address(f"192.0.2.{number}", 40_000) for number in (1, 2, 3))
UNIX = UnixAddress("")
DAY = 24 * 60 * 60.0
OPEN_AT_NIGHT = Window(frozenset(range(7)), 0, 6 * 60, dt.UTC)
NIGHT, NOON = 20_000 * DAY, 20_000 * DAY + DAY / 2


def start(**settings: Any) -> Access:  # noqa: ANN401 - any setting may be given
    """Start rules at time 0."""
    return Access(AccessConfig(**settings), now=0.0)


def listed(*texts: str) -> NetworkList:
    """Return a list of networks and, maybe, the word "unix:"."""
    networks = tuple(network(text) for text in texts if text != "unix:")
    return NetworkList(networks, unix="unix:" in texts)


def burst_of(burst: int) -> RateLimit:
    """Return a limit that gives one token a second."""
    return RateLimit(1, 1.0, burst)


def admitted(access: Access, client: SocketAddress, now: float = 0.0) -> int:
    """Return how many connections a client gets at one moment, at night."""
    count = 0
    while access.admit(client, now, NIGHT) is None:
        count += 1
    return count
