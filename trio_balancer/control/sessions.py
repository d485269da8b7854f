"""The connections that are there now, and the last ones that ended, as JSON."""

from __future__ import annotations

import json
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import LogFormat, LogLevel
from trio_balancer.flow.log_lines import LINES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.control.status import Json
    from trio_balancer.flow.live import Connection
    from trio_balancer.flow.record import Record

#: Finished connections that are remembered.
MOST_ENDINGS = 1000

_PHASES = {
    "R": "greeting",
    "Q": "waiting",
    "C": "connecting",
    "D": "data",
    "T": "tarpit",
    "-": "finished",
}


class Endings:
    """The last finished connections; its `add` is an observer of the balancer."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque(maxlen=MOST_ENDINGS)

    def add(self, record: Record) -> None:
        """Remember a finished connection, and forget the oldest."""
        self._records.append(record)

    def latest(self, limit: int) -> list[Json]:
        """Describe the latest ones, newest first."""
        return [ending_json(record) for record in islice(reversed(self._records), limit)]


def ending_line(record: Record) -> str:
    """Write a finished connection as the log does in JSON, on one line."""
    ended_at = record.accepted_at + record.total_time
    return LINES[LogFormat.JSON].connection(record, LogLevel.INFO, ended_at)


def ending_json(record: Record) -> Json:
    """Describe a finished connection with the keys of the JSON log line."""
    described: Json = json.loads(ending_line(record))
    return described


def live_json(connections: Iterable[Connection], limit: int) -> list[Json]:
    """Describe live connections, oldest first."""
    now = trio.current_time()
    return [_live(connection, now) for connection in islice(connections, limit)]


def _live(connection: Connection, now: float) -> Json:
    backend = connection.backend
    return {
        "number": connection.number,
        "client": str(connection.client_address),
        "listener": connection.listener.name,
        "address": str(connection.address),
        "pool": None if connection.pool is None else connection.pool.name,
        "backend": None if connection.target is None else connection.target.name,
        "backend_address": None if backend is None else str(backend.remote_address),
        "phase": _PHASES[connection.phase.value],
        "accepted_at": round(connection.accepted_wall, 3),
        "age": round(now - connection.accepted_at, 3),
        "attempts": connection.attempts,
        "connect_time": connection.connect_time,
        "bytes_up": 0 if backend is None else backend.sent,
        "bytes_down": connection.client.sent,
    }
