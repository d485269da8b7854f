"""Choose the live connections that an operator means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.errors import bad_value
from trio_balancer.control.find import (
    find_backend,
    find_connection,
    find_pool,
    is_client,
    parse_client,
)

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.live import Connection


def choose_connections(
    balancer: Balancer,
    *,
    number: int | None,
    pool: str | None,
    backend: str | None,
    client: str | None,
) -> list[Connection]:
    """Return the connections to which all that is given applies.

    Raises OperationError where nothing is given, or what is given is not there.
    """
    if number is None and pool is None and backend is None and client is None:
        raise bad_value("say which connections: by number, pool, backend or client")
    live = balancer.runtime.connections.values()
    found = list(live) if number is None else [find_connection(balancer, number)]
    if pool is not None:
        found = _of_pool(balancer, found, pool, backend)
    elif backend is not None:
        raise bad_value("a backend is named by its pool and its own name")
    if client is not None:
        wanted = parse_client(client)
        found = [each for each in found if is_client(each.client_address, wanted)]
    return found


def _of_pool(
    balancer: Balancer, connections: list[Connection], pool: str, backend: str | None
) -> list[Connection]:
    """By name: a reload may have removed the pool or the backend, and left its connections."""
    found = [each for each in connections if each.pool and each.pool.name == pool]
    if backend is not None:
        found = [each for each in found if each.lease and each.lease.backend.name == backend]
    if found:
        return found
    if backend is None:
        find_pool(balancer, pool)
    else:
        find_backend(balancer, pool, backend)
    return []
