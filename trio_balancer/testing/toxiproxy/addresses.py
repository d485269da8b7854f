"""Addresses as Toxiproxy's clients write them, several of them joined by commas."""

from __future__ import annotations

import socket
from pathlib import PurePath
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.addresses import backend_address
from trio_balancer.config.model import BackendConfig
from trio_balancer.network.errors import describe
from trio_balancer.testing.toxiproxy.errors import ApiError, bad_body
from trio_balancer.wire.address import (
    Address,
    AddressError,
    NamedAddress,
    SocketAddress,
    inet_address,
    parse_address,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.network.seam import Network

LOOPBACK = "127.0.0.1"
#: Where a proxy listens when nobody says.
ANYWHERE = f"{LOOPBACK}:0"


async def read_listen(text: str, network: Network) -> tuple[SocketAddress, ...]:
    """Return the addresses that a proxy is to listen at.

    Without a host (":22222") that is every address of this machine. A name is looked up: the
    answer must be numeric, because clients split it at the colon. Raises ApiError (500, as
    Toxiproxy does when it cannot listen).
    """
    addresses = []
    for each in (text or ANYWHERE).split(","):
        try:
            address = parse_address(_with_host(each.strip(), _any_host()))
            addresses.append(await _resolve(address, network))
        except (AddressError, OSError) as error:
            reason = describe(error) if isinstance(error, OSError) else str(error)
            raise ApiError(500, f"cannot listen at {each.strip()!r}: {reason}") from None
    return tuple(addresses)


def _any_host() -> str:
    return "[::]" if socket.has_dualstack_ipv6() else "0.0.0.0"


def _with_host(text: str, host: str) -> str:
    return f"{host}{text}" if text.startswith(":") else text


async def _resolve(address: Address, network: Network) -> SocketAddress:
    if not isinstance(address, NamedAddress):
        return address
    if address.name.lower() == "localhost":
        return inet_address(LOOPBACK, address.port)
    found = await network.resolve(address)
    # Many clients take what stands before the first colon for the host.
    return min(found, key=lambda each: each.ip.version)


def read_upstream(text: str) -> tuple[BackendConfig, ...]:
    """Return the backends that a proxy is to go to; raises ApiError."""
    parse = backend_address(PurePath())
    backends: dict[str, BackendConfig] = {}
    for each in text.split(","):
        try:
            address = parse(_with_host(each.strip(), LOOPBACK))
        except ValueError as error:
            raise bad_body(f"upstream: {error}") from None
        if str(address) in backends:
            raise bad_body(f"upstream: {address} is there twice")
        backends[str(address)] = BackendConfig(str(address), address)
    return tuple(backends.values())


def keep_known(
    wanted: Iterable[BackendConfig], known: Iterable[BackendConfig]
) -> tuple[BackendConfig, ...]:
    """Return the wanted backends; those that are there already stay as they are."""
    by_address = {str(each.address): each for each in known}
    return tuple(by_address.get(str(each.address), each) for each in wanted)


def joined(addresses: Iterable[object]) -> str:
    """Write addresses as `listen` and `upstream` have them."""
    return ",".join(map(str, addresses))


@attrs.frozen
class ApiAddress:
    """Where the API itself listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """What clients are told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"
