"""Make the filters of a connection that is about to be joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model import LogLevel
from trio_balancer.filters import ConnectionInfo, FilterChain, ListenerFilters, Surroundings
from trio_balancer.flow.record import Who
from trio_balancer.wire.proxy_header import NO_TLVS

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.flow.live import Connection
    from trio_balancer.flow.log import Log
    from trio_balancer.network.seam import Stream


def open_filters(connection: Connection, backend: Stream, filters: ListenerFilters) -> FilterChain:
    """Make the filters; one that cannot be made ends the connection."""

    def end(reason: str, *, bug: bool) -> None:
        connection.end(Who.INTERNAL if bug else Who.POLICY, reason)

    return filters.open(_info(connection, backend), end)


def _info(connection: Connection, backend: Stream) -> ConnectionInfo:
    greeting, pool, target = connection.greeting, connection.pool, connection.target
    header = None if greeting is None else greeting.header
    alpn = () if greeting is None else greeting.alpn
    return ConnectionInfo(
        number=connection.number,
        listener=connection.listener.name,
        pool="" if pool is None else pool.name,
        backend="" if target is None else target.name,
        backend_address=backend.remote_address,
        client=connection.client_address,
        local=connection.client.local_address,
        server_name=None if greeting is None else greeting.server_name,
        alpn=b",".join(alpn).decode("utf-8", "backslashreplace") or None,
        tlvs=NO_TLVS if header is None else header.tlvs,
    )


def surroundings_of(log: Log, wall_clock: Callable[[], float]) -> Surroundings:
    """Return the balancer as filters see it."""

    def warn(kind: str, message: str, /, **fields: object) -> None:
        log.limited(kind, LogLevel.WARNING, message, **fields)

    return Surroundings(log=log.info, warn=warn, wall_clock=wall_clock)
