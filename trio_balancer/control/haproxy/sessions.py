"""The connections as `show sess` tells them, and who has them as `show table` does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import trio

from trio_balancer.wire.address import InetAddress
from trio_balancer.wire.haproxy_listings import Session, Table, TableEntry
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.listener import ListenerState
    from trio_balancer.flow.live import Connection
    from trio_balancer.network.seam import Stream
    from trio_balancer.wire.address import SocketAddress

_IPV4 = 4


def sessions(balancer: Balancer, numbers: Iterable[int]) -> Iterator[Session]:
    """Iterate over the connections of these numbers that are still there."""
    now = trio.current_time()
    for number in numbers:
        connection = balancer.runtime.connections.get(number)
        if connection is not None:
            yield _session(connection, now)


def _session(connection: Connection, now: float) -> Session:
    client = connection.client_address
    return Session(
        id=connection.number,
        protocol=_protocol(client),
        source=str(client) if isinstance(client, InetAddress) else "unix:1",
        frontend=connection.listener.name,
        backend=None if connection.pool is None else connection.pool.name,
        server=None if connection.target is None else connection.target.name,
        age=now - connection.accepted_at,
        client_fd=_descriptor(connection.client),
        server_fd=_descriptor(connection.backend),
    )


def _protocol(client: SocketAddress) -> str:
    if not isinstance(client, InetAddress):
        return "unix_stream"
    return "tcpv4" if client.ip.version == _IPV4 else "tcpv6"


def _descriptor(stream: Stream | None) -> int | None:
    return None if stream is None or stream.socket is None else stream.socket.fileno()


def tables(balancer: Balancer) -> list[Table]:
    """List a table for each listener that has rules for its clients."""
    return [
        _table(gate.listener)
        for gate in balancer.gates.values()
        if gate.listener.access is not None and gate.listener.config.access is not None
    ]


def find_table(balancer: Balancer, name: str) -> Table:
    """Return a listener's table; raises CommandError."""
    for table in tables(balancer):
        if table.name == name:
            return table
    raise CommandError("No such table")


def _table(listener: ListenerState) -> Table:
    access = listener.access
    statistics = None if access is None else access.statistics()
    return Table(
        name=listener.name,
        type="ip",
        size=0 if statistics is None else statistics.max_clients,
        used=0 if statistics is None else statistics.clients,
    )


def table_entries(balancer: Balancer, name: str) -> Iterator[TableEntry]:
    """Iterate over the clients that a listener's rules have let in, and what they have now."""
    listener = balancer.gates[name].listener
    clients = Counter(
        _key(connection.client_address)
        for connection in balancer.runtime.connections.values()
        if connection.listener is listener and connection.admitted
    )
    for number, (client, count) in enumerate(clients.items(), 1):
        yield TableEntry(number, client, count, 0.0, {"conn_cur": count})


def _key(client: SocketAddress) -> str:
    return client.text if isinstance(client, InetAddress) else "unix"
