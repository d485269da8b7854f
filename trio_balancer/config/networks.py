"""Networks as a configuration writes them: "10.0.0.0/8", or one address."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from trio_balancer.config.values import MisspeltError, expected

if TYPE_CHECKING:
    from trio_balancer.wire.address import IP

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_WHAT = "a network like '10.0.0.0/8' or an IP address"
_PREFIX_LENGTH = re.compile(r"(0|[1-9][0-9]{0,2})\Z")
# An IPv4 address is the end of an IPv4-mapped one (RFC 4291, section 2.5.5.2).
_MAPPED_BITS = 96


def network(value: object) -> IPNetwork:
    """Parse a network in CIDR notation; a lone address is the network of that one.

    The result is canonical, as the addresses are that it is compared with: "::ffff:10.0.0.0/104"
    is 10.0.0.0/8. "::/0" therefore holds every IPv6 client and no IPv4 one. Raises ValueError for
    all else: netmasks, zones, leading zeros, and MisspeltError with the network that was
    probably meant where bits are set after the prefix ("10.0.0.1/8").
    """
    if not isinstance(value, str):
        raise expected(_WHAT, value)
    host, slash, digits = value.partition("/")
    ip = _ip(host, value)
    length = _prefix_length(digits, ip.max_prefixlen, value) if slash else ip.max_prefixlen
    found = ipaddress.ip_network((ip, length), strict=False)
    if found.network_address != ip:
        message = str(expected("a network without bits after its prefix", value))
        raise MisspeltError(message, str(_unmapped(found)))
    return _unmapped(found)


def _ip(host: str, value: str) -> IP:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        raise expected(_WHAT, value) from None
    if "%" in host:
        raise expected("a network without a zone", value)
    return ip


def _prefix_length(digits: str, longest: int, value: str) -> int:
    if not _PREFIX_LENGTH.match(digits) or int(digits) > longest:
        raise expected(f"a prefix length from 0 to {longest} after the '/'", value)
    return int(digits)


def _unmapped(found: IPNetwork) -> IPNetwork:
    if isinstance(found, ipaddress.IPv4Network) or found.prefixlen < _MAPPED_BITS:
        return found
    ip = found.network_address.ipv4_mapped
    if ip is None:
        return found
    return ipaddress.IPv4Network((ip, found.prefixlen - _MAPPED_BITS))
