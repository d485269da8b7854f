"""Turns what a running balancer tells into a timeline, records and counts."""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import TYPE_CHECKING, final

from trio_balancer.faults import FaultNews
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.network.errors import describe
from trio_balancer.testing.connections import SeenConnection
from trio_balancer.testing.events import EventKind, Timeline
from trio_balancer.testing.fault_text import fault_place, fault_text

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.faults import FaultBook, InstalledFault
    from trio_balancer.flow.live import Connection, Runtime
    from trio_balancer.flow.record import Record
    from trio_balancer.wire.address import SocketAddress

#: Finished connections and log lines that are kept; older ones are forgotten.
MAX_FINISHED = 10_000
MAX_LINES = 10_000


@final
class Observer(MemorySink):
    """What a network and a log tell of one balancer; it is the log's sink (format "json")."""

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline()
        self.finished: deque[Record] = deque(maxlen=MAX_FINISHED)
        #: Connections that reached a backend: by the names of its pool and its own.
        self.reached: Counter[tuple[str, str]] = Counter()
        #: The traces of bugs that ended a connection.
        self.bugs: list[str] = []
        self._runtime: Runtime | None = None
        #: The attempt that each live connection is at, to tell a second address from it.
        self._attempts: dict[int, int] = {}

    def watch(self, balancer: Balancer) -> Runtime:
        """Look into a balancer that is about to accept its first client."""
        self._runtime = balancer.runtime
        return self._runtime

    def watch_faults(self, book: FaultBook) -> None:
        """Hear of those that are there, and of whatever becomes of any, whoever does it."""
        for installed in book.list():
            self.fault_news(installed, FaultNews.ADDED)
        book.observers.append(self.fault_news)

    @property
    def live(self) -> list[Connection]:
        """The connections that are there now, oldest first."""
        return [] if self._runtime is None else list(self._runtime.connections.values())

    def connections(self) -> tuple[SeenConnection, ...]:
        """Describe all connections that are not forgotten, in the order of their numbers."""
        seen = [SeenConnection.of_record(record) for record in self.finished]
        seen += [SeenConnection.of_live(connection) for connection in self.live]
        return tuple(sorted(seen, key=lambda each: each.number))

    # What the network tells

    def accepted(self, client: SocketAddress) -> int:
        """Hear of a client, whose connection gets the next number in this very step."""
        number = 1 if self._runtime is None else self._runtime.latest + 1
        self.timeline.add(EventKind.ACCEPTED, connection=number, detail=f"from {client}")
        return number

    def dialling(self, connection: int | None, address: SocketAddress) -> None:
        """Hear of a dial; a health check's is no event."""
        live = self._find(connection)
        if live is not None and self._attempts.get(live.number) != live.attempts:
            self._attempts[live.number] = live.attempts
            self._add(EventKind.CHOSEN, live, f"at {address}")

    def dialled(self, connection: int | None, address: SocketAddress) -> None:
        """Hear that a backend was reached."""
        live = self._find(connection)
        if live is not None:
            if live.pool is not None and live.target is not None:
                self.reached[live.pool.name, live.target.name] += 1
            self._add(EventKind.CONNECTED, live, f"to {address}")

    def dial_failed(self, connection: int | None, address: SocketAddress, error: OSError) -> None:
        """Hear that a backend was not reached."""
        live = self._find(connection)
        if live is not None:
            self._add(EventKind.DIAL_FAILED, live, f"at {address}: {describe(error)}")

    def moved(self) -> None:
        """Hear that bytes have moved."""
        self.timeline.stir()

    def _find(self, number: int | None) -> Connection | None:
        if number is None or self._runtime is None:
            return None
        return self._runtime.connections.get(number)

    def _add(self, kind: EventKind, live: Connection, detail: str) -> None:
        backend = None if live.target is None else live.target.name
        self.timeline.add(kind, connection=live.number, backend=backend, detail=detail)

    # What the balancer tells

    def ended(self, record: Record) -> None:
        """Hear of a finished connection."""
        self._attempts.pop(record.number, None)
        self.finished.append(record)
        told = f"{record.ending} {record.bytes_up} B up, {record.bytes_down} B down"
        detail = f"{told}: {record.reason}" if record.reason else told
        self.timeline.add(
            EventKind.ENDED, connection=record.number, backend=record.backend, detail=detail
        )

    def fault_news(self, installed: InstalledFault, news: FaultNews) -> None:
        """Hear of a fault."""
        gone = news is FaultNews.REMOVED
        detail = fault_place(installed) if gone else fault_text(installed)
        backend = installed.fault.match.backend
        self.timeline.add(EventKind(news.value), backend=backend, detail=detail)

    def put(self, line: str) -> None:
        """Take a line of the log, and find the news in it."""
        super().put(line)
        if len(self.lines) > MAX_LINES:
            del self.lines[: MAX_LINES // 2]
        self._find_news(json.loads(line))

    def _find_news(self, told: dict[str, str]) -> None:
        message = told["message"]
        if message.startswith("Backend is "):
            detail = f"{message.removeprefix('Backend is ').lower()} {told['reason']}".rstrip()
            self.timeline.add(EventKind.BACKEND, backend=told["backend"], detail=detail)
        elif message.startswith("A bug "):
            self.bugs.append(told["trace"])
            self.timeline.add(EventKind.BUG, detail=told["trace"].splitlines()[-1].strip())
