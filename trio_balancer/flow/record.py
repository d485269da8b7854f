"""What is known of a finished connection: one record per connection, always."""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.wire.address import SocketAddress
from trio_balancer.wire.proxy_protocol import Tlvs


class Who(Enum):
    """Who ended a connection: the first letter of HAProxy's termination state."""

    NOBODY = "-"
    CLIENT = "C"
    BACKEND = "S"
    CLIENT_TIMEOUT = "c"
    BACKEND_TIMEOUT = "s"
    POLICY = "P"
    RESOURCE = "R"
    INTERNAL = "I"
    DOWN = "D"
    KILLED = "K"


class Phase(Enum):
    """How far a connection had come when it ended: the second letter."""

    REQUEST = "R"
    QUEUE = "Q"
    CONNECT = "C"
    DATA = "D"
    TARPIT = "T"
    DONE = "-"


@attrs.frozen
class Ending:
    """Who ended a connection and in which phase; two letters in every log line."""

    who: Who
    phase: Phase

    def __str__(self) -> str:
        return self.who.value + self.phase.value


FINISHED = Ending(Who.NOBODY, Phase.DONE)


# Each connection makes one of these and one record, and few are kept. So they have no slots: a
# frozen class is filled through its dict in two thirds of the time.
@attrs.frozen(slots=False)
class Counts:
    """Connections open when the record was written, its own included."""

    process: int
    listener: int
    pool: int
    backend: int


@attrs.frozen(slots=False)
class Record:
    """All that is known of a finished connection.

    Times are seconds, None for a phase that was not reached: `queue_time` from accept until a
    backend was chosen for the last attempt, `connect_time` for the last dial that succeeded,
    `total_time` from accept to the end. `accepted_at` is wall-clock time (Unix seconds).
    `bytes_up` went from the client to the backend, `bytes_down` back. `closed_first` says which
    side's end-of-file came first: "client", "backend" or "".

    `client` is the announced address where there was a PROXY header, whose `tlvs` are kept, and
    `peer` the socket's own. `server_name` (SNI) and `alpn` are what the client asked for, or the
    protocol chosen where we decrypt: `tls` is the version then. `refusal` is why it was turned
    away, in one word. `unique_id` is what a backend was told by a PROXY header, or we were.
    """

    number: int
    listener: str
    client: SocketAddress
    address: SocketAddress
    accepted_at: float
    total_time: float
    ending: Ending
    reason: str
    counts: Counts
    pool: str | None = None
    backend: str | None = None
    backend_address: str | None = None
    queue_time: float | None = None
    connect_time: float | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    attempts: int = 0
    redispatched: bool = False
    backend_queue: int = 0
    pool_queue: int = 0
    closed_first: str = ""
    refusal: str | None = None
    peer: SocketAddress | None = None
    server_name: str | None = None
    alpn: str | None = None
    tls: str | None = None
    unique_id: str | None = None
    tlvs: Tlvs | None = None
