"""Listening addresses that the kernel would refuse to bind beside each other."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import KeyPath, Report
from trio_balancer.wire.address import InetAddress, ListenAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALL_IPV6 = IPv6Address("::")


@attrs.frozen
class Bound:
    """An address to listen on, and where the configuration says so."""

    path: KeyPath
    address: ListenAddress
    v6only: bool


def report_overlaps(bound: Iterable[Bound], report: Report) -> None:
    """Report each address that cannot be bound once those before it are."""
    seen: set[str] = set()
    ports: dict[int, _Port] = {}
    for one in bound:
        # The text, not the value: equality leaves out the zone, but the kernel does not.
        text = str(one.address)
        if isinstance(one.address, InetAddress) and one.address.port == 0:
            continue  # the kernel picks a free port for each
        if text in seen:
            report.add(one.path, f"{text} is bound twice")
        elif isinstance(one.address, InetAddress):
            port = ports.setdefault(one.address.port, _Port())
            message = port.add(one.address, v6only=one.v6only)
            if message is not None:
                report.add(one.path, message)
        seen.add(text)


def overlap(first: Bound, second: Bound) -> bool:
    """Whether the kernel would refuse to bind the second once the first is bound."""
    one, other = first.address, second.address
    if str(one) == str(other):
        return True
    if not (isinstance(one, InetAddress) and isinstance(other, InetAddress)):
        return False
    if one.port != other.port or not (one.ip.is_unspecified or other.ip.is_unspecified):
        return False
    return _conflict(_Inet(one, first.v6only), _Inet(other, second.v6only)) is not None


@attrs.frozen
class _Inet:
    address: InetAddress
    v6only: bool

    @property
    def takes_ipv4_too(self) -> bool:
        return self.address.ip == _ALL_IPV6 and not self.v6only


@attrs.define(eq=False)
class _Port:
    """The different addresses that are bound on one port."""

    _all: list[_Inet] = attrs.field(factory=list)
    _wildcards: list[_Inet] = attrs.field(factory=list)

    def add(self, address: InetAddress, *, v6only: bool) -> str | None:
        """Bind one more; return what is in its way."""
        one = _Inet(address, v6only)
        is_wildcard = address.ip.is_unspecified
        # Two different addresses overlap only if one of them is 0.0.0.0 or [::].
        rivals = self._all if is_wildcard else self._wildcards
        message = next(filter(None, (_conflict(other, one) for other in rivals)), None)
        self._all.append(one)
        if is_wildcard:
            self._wildcards.append(one)
        return message


def _conflict(first: _Inet, second: _Inet) -> str | None:
    overlap = f"{second.address} overlaps with {first.address}"
    if first.address.ip.version == second.address.ip.version:
        return f"{overlap}, so they cannot both be bound"
    if first.takes_ipv4_too or second.takes_ipv4_too:
        return f"{overlap}: [::] takes IPv4 clients too, unless v6only = true"
    return None
