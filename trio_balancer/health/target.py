"""Where a backend is checked: at its own address, or where `port` and `address` say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.wire.address import (
    Address,
    InetAddress,
    NamedAddress,
    SocketAddress,
    UnixAddress,
    inet_address,
)

if TYPE_CHECKING:
    from trio_balancer.config.model_health import HealthConfig
    from trio_balancer.flow.names import Names


@attrs.frozen
class Target:
    """`address` is what is looked up, `port` where it is checked (None: a Unix socket)."""

    address: Address
    port: int | None

    def socket_addresses(self, names: Names) -> list[SocketAddress]:
        """Return what to dial, best first; empty for a name that never resolved."""
        return [self._with_port(found) for found in names.lookup(self.address)]

    def _with_port(self, address: SocketAddress) -> SocketAddress:
        if isinstance(address, UnixAddress) or self.port is None:
            return address
        return attrs.evolve(address, port=self.port)

    def http_host(self) -> str:
        """Return the Host field of a request (RFC 9110, section 7.2); a zone is no part of it."""
        if isinstance(self.address, UnixAddress):
            return "localhost"
        if isinstance(self.address, NamedAddress):
            return f"{self.address.name}:{self.port}"
        return str(InetAddress(self.address.ip, self.port or 0))


def target_of(health: HealthConfig, backend: Address) -> Target:
    """Say where to check a backend that serves at this address.

    A Unix socket has no port to share: it is checked elsewhere only where both are given.
    """
    own_port = None if isinstance(backend, UnixAddress) else backend.port
    port = health.port or own_port
    if health.address is None or port is None:
        return Target(backend, port if own_port else None)
    return Target(_host_address(health.address, port), port)


def _host_address(host: str, port: int) -> Address:
    try:
        return inet_address(host, port)
    except ValueError:
        return NamedAddress(host, port)
