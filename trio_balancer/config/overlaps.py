"""Listening addresses that the kernel would refuse to bind beside each other."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import KeyPath, Report
from trio_balancer.wire.address import InetAddress, SocketAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL_IPV6 = IPv6Address("::")


@attrs.frozen
class Bound:
    """An address to listen on, and where the configuration says so."""

    path: KeyPath
    address: SocketAddress
    v6only: bool


def report_overlaps(bound: Iterable[Bound], report: Report) -> None:
    """Report each address that cannot be bound once those before it are."""
    earlier: dict[object, list[Bound]] = {}
    for one in bound:
        rivals = earlier.setdefault(_rivalry(one.address), [])
        message = next(filter(None, (_conflict(other, one) for other in rivals)), None)
        if message is not None:
            report.add(one.path, message)
        rivals.append(one)


def _rivalry(address: SocketAddress) -> object:
    """Return what addresses must share to be in each other's way."""
    return address.port if isinstance(address, InetAddress) else address


def _conflict(first: Bound, second: Bound) -> str | None:
    a, b = first.address, second.address
    # The text, not the value: equality leaves out the zone, but the kernel does not.
    if str(a) == str(b):
        return None if _picks_its_port(b) else f"{b} is bound twice"
    if isinstance(a, InetAddress) and isinstance(b, InetAddress) and not _picks_its_port(b):
        return _overlap(first, a, second, b)
    return None


def _picks_its_port(address: SocketAddress) -> bool:
    return isinstance(address, InetAddress) and address.port == 0


def _overlap(first: Bound, a: InetAddress, second: Bound, b: InetAddress) -> str | None:
    if a.ip.version == b.ip.version:
        overlaps = a.ip.is_unspecified or b.ip.is_unspecified
        return f"{b} overlaps with {a}, so they cannot both be bound" if overlaps else None
    if _takes_ipv4_too(first, a) or _takes_ipv4_too(second, b):
        return f"{b} overlaps with {a}: [::] takes IPv4 clients too, unless v6only = true"
    return None


def _takes_ipv4_too(bound: Bound, address: InetAddress) -> bool:
    return address.ip == _ALL_IPV6 and not bound.v6only
