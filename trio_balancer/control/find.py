"""Find what an operator names; whatever is not there is an error that says so."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from trio_balancer.config.problems import shown
from trio_balancer.control.errors import OperationError, bad_value
from trio_balancer.wire.address import (
    AddressError,
    InetAddress,
    NamedAddress,
    SocketAddress,
    UnixAddress,
    inet_address,
    parse_address,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.gate import Gate
    from trio_balancer.flow.live import Connection
    from trio_balancer.policy import Backend, Pool


#: Names that are listed for somebody who has misspelt one.
MOST_NAMES = 20


def find_pool(balancer: Balancer, name: str) -> Pool:
    """Return a pool; raises OperationError (no-such-pool)."""
    pool = balancer.runtime.pools.get(name)
    if pool is None:
        known = _names(balancer.runtime.pools)
        raise OperationError("no-such-pool", f"there is no pool {shown(name)}; {known}")
    return pool


def find_backend(balancer: Balancer, pool: str, name: str) -> tuple[Pool, Backend]:
    """Return a pool and its backend; raises OperationError (no-such-pool, no-such-backend)."""
    found = find_pool(balancer, pool)
    for backend in found.backends:
        if backend.name == name:
            return found, backend
    known = _names([backend.name for backend in found.backends])
    message = f"pool {shown(pool)} has no backend {shown(name)}; {known}"
    raise OperationError("no-such-backend", message)


def find_listener(balancer: Balancer, name: str) -> Gate:
    """Return a listener at work; raises OperationError (no-such-listener)."""
    gate = balancer.gates.get(name)
    if gate is None:
        known = _names(balancer.gates)
        raise OperationError("no-such-listener", f"there is no listener {shown(name)}; {known}")
    return gate


def _names(known: Collection[str]) -> str:
    """Say which names there are; of very many, the first."""
    if not known:
        return "there is none"
    listed = ", ".join(map(shown, islice(known, MOST_NAMES)))
    more = f", and {len(known) - MOST_NAMES} more" if len(known) > MOST_NAMES else ""
    return f"there is {listed}" if len(known) == 1 else f"there are {listed}{more}"


def find_connection(balancer: Balancer, number: int) -> Connection:
    """Return a live connection; raises OperationError (no-such-connection)."""
    connection = balancer.runtime.connections.get(number)
    if connection is None:
        raise OperationError("no-such-connection", f"there is no connection {number}")
    return connection


def parse_client(text: str) -> SocketAddress:
    """Parse a client's address, with or without a port; raises OperationError (bad-value)."""
    if text == "unix:":
        return UnixAddress("")
    with suppress(ValueError):
        return inet_address(text.removeprefix("[").removesuffix("]"), 0)
    try:
        address = parse_address(text)
    except AddressError as error:
        raise bad_value(str(error)) from None
    if isinstance(address, NamedAddress):
        raise bad_value(f"expected an IP address, got {shown(text)}")
    return address


def is_client(address: SocketAddress, wanted: SocketAddress) -> bool:
    """Whether an address is the wanted one, whose port 0 stands for any."""
    if isinstance(wanted, InetAddress) and wanted.port == 0:
        return isinstance(address, InetAddress) and address.ip == wanted.ip
    if isinstance(wanted, UnixAddress) and not wanted.path:
        return isinstance(address, UnixAddress)
    return address == wanted
