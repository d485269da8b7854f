"""A connection through a balancer under test, live or finished, in one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import attrs

from trio_balancer.wire.address import SocketAddress

if TYPE_CHECKING:
    from trio_balancer.flow.live import Connection
    from trio_balancer.flow.record import Record


@attrs.frozen
class SeenConnection:
    """What is known of a connection now; the names are those of `Record`.

    `ending` is its two letters ("--": both sides finished), None while it lives. `backend` is the
    name of the latest backend that was tried. `bytes_up` went from the client to the backend,
    `bytes_down` back. `closed_first` says whose end-of-file came first: "client", "backend", "".
    """

    number: int
    listener: str
    client: SocketAddress
    pool: str | None
    backend: str | None
    #: Where it is connected to; None before that.
    backend_address: str | None
    bytes_up: int
    bytes_down: int
    attempts: int
    ending: str | None = None
    reason: str = ""
    closed_first: str = ""

    @property
    def live(self) -> bool:
        """Whether it has not ended yet."""
        return self.ending is None

    @classmethod
    def of_record(cls, record: Record) -> Self:
        """Describe a finished connection."""
        reached = record.connect_time is not None
        return cls(
            number=record.number,
            listener=record.listener,
            client=record.client,
            pool=record.pool,
            backend=record.backend,
            backend_address=record.backend_address if reached else None,
            bytes_up=record.bytes_up,
            bytes_down=record.bytes_down,
            attempts=record.attempts,
            ending=str(record.ending),
            reason=record.reason,
            closed_first=record.closed_first,
        )

    @classmethod
    def of_live(cls, connection: Connection) -> Self:
        """Describe a connection that is still there."""
        pool, target, backend = connection.pool, connection.target, connection.backend
        return cls(
            number=connection.number,
            listener=connection.listener.name,
            client=connection.client.remote_address,
            pool=None if pool is None else pool.name,
            backend=None if target is None else target.name,
            backend_address=None if backend is None else str(backend.remote_address),
            bytes_up=0 if backend is None else backend.sent,
            bytes_down=connection.client.sent,
            attempts=connection.attempts,
        )
