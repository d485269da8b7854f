"""Who counts as one client: an IPv4 address, an IPv6 network, all of the Unix sockets."""

from __future__ import annotations

from trio_balancer.wire.address import SocketAddress, UnixAddress

#: A small value, as there may be a hundred thousand of them: an IPv4 address as a number, an IPv6
#: one as a number below zero, None for what has no IP address.
Key = int | None

_IPV4 = 4
_IPV6_BITS = 128


def address_key(client: SocketAddress) -> Key:
    """Return the key of a client's IP address."""
    if isinstance(client, UnixAddress):
        return None
    number = int(client.ip)
    # The complement is below zero, so no IPv6 network is ever taken for an IPv4 address.
    return number if client.ip.version == _IPV4 else ~number


def network_key(address: Key, ipv6_prefix: int) -> Key:
    """Return the key that all IPv6 addresses share whose first `ipv6_prefix` bits are the same.

    Other addresses are clients of their own. A shifted complement is the complement of what was
    shifted, so it stays below zero.
    """
    if address is None or address >= 0:
        return address
    return address >> (_IPV6_BITS - ipv6_prefix)
