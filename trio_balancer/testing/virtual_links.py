"""All links of an in-memory network: which one lies between two addresses."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.wire.address import (
    InetAddress,
    NamedAddress,
    SocketAddress,
    UnixAddress,
    canonical_ip,
    parse_address,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trio_balancer.testing.virtual_link import Place, VirtualLink
    from trio_balancer.wire.address import IP

#: Seconds after which a lost SYN is sent again at first; twice as long each time (RFC 6298).
SYN_RETRY = 1.0
#: A place that is everywhere.
ANYWHERE = "*"


@final
class VirtualLinks:
    """The links of one network; where several fit, the one made last counts."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        #: Grows with each new link, for those who remember what they found.
        self.version = 0
        self._links: list[VirtualLink] = []
        self._dials = random.Random(f"{seed}/dials")

    def add(self, link: VirtualLink) -> None:
        """Let a link count from now on."""
        self._links.insert(0, link)
        self.version += 1

    def between(self, source: SocketAddress, target: SocketAddress) -> VirtualLink | None:
        """Find the link of a connection; without one everything arrives at once."""
        return next((link for link in self._links if link.joins(source, target)), None)

    async def shake_hands(self, source: SocketAddress, target: SocketAddress) -> float:
        """Wait as long as a dial takes to be answered; returns the link's latency."""
        retry = SYN_RETRY
        while (link := self.between(source, target)) is not None:
            await link.wait_healed()
            if link.loss and self._dials.random() < link.loss:
                await trio.sleep(retry)
                retry *= 2
                continue
            if link.latency:
                await trio.sleep(2 * link.latency)
            if not link.is_cut:
                return link.latency
        return 0.0


def find_place(
    where: str | IP | SocketAddress, names: Mapping[str, Sequence[InetAddress]]
) -> Place:
    """Read one end of a link: "*", an IP, an address with its port, or a name that is known.

    Raises ValueError (or AddressError, which is one) with a sentence for people.
    """
    if isinstance(where, IPv4Address | IPv6Address | InetAddress | UnixAddress):
        return frozenset({where})
    if where == ANYWHERE:
        return None
    if where in names:
        return frozenset(address.ip for address in names[where])
    try:
        return frozenset({canonical_ip(where)})
    except ValueError:
        return _place_with_port(where, names)


def _place_with_port(where: str, names: Mapping[str, Sequence[InetAddress]]) -> Place:
    address = parse_address(where)
    if isinstance(address, NamedAddress) and address.name in names:
        known = names[address.name]
        return frozenset(InetAddress(each.ip, address.port) for each in known)
    if isinstance(address, InetAddress | UnixAddress):
        return frozenset({address})
    raise ValueError(f"no such place: {where!r} is no address, nor one of the network's names")
