"""The log: what happened, as lines, at the level and in the format that were asked for.

`Log` decides and renders, a `LogSink` takes the lines away. Nothing here waits, so it may be
called from anywhere in the flow, `finally` blocks included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import LogConfig, LogLevel
from trio_balancer.flow.log_limit import LineLimiter
from trio_balancer.flow.log_lines import LINES, header
from trio_balancer.flow.log_sink import LogSink, SinkStatistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.flow.record import Record

_LEVELS = tuple(LogLevel)


@attrs.frozen
class LogStatistics:
    """Lines since the start: written, lost on the way, and held back by a rate limit."""

    written: int
    dropped: int
    suppressed: int


class Log:
    """Writes finished connections and events.

    `wall_clock` gives Unix seconds and must not care which thread asks; `pid` stands in HAProxy's
    and syslog's headers. `sink` belongs to the log from now on.
    """

    def __init__(
        self, config: LogConfig, sink: LogSink, *, wall_clock: Callable[[], float], pid: int
    ) -> None:
        self._wall_clock = wall_clock
        self._pid = pid
        self._limiter = LineLimiter()
        self._before = SinkStatistics(written=0, dropped=0)
        self._use(config, sink)

    def _use(self, config: LogConfig, sink: LogSink) -> None:
        self._config = config
        self._sink = sink
        self._lines = LINES[config.format]
        self._header = header(
            config.format, syslog=sink.syslog, journal=sink.journal, pid=self._pid
        )
        self._levels = frozenset(_LEVELS[_LEVELS.index(config.level) :])
        sink.describe_loss = self._describe_loss

    def connection(
        self, record: Record, level: LogLevel = LogLevel.INFO, *, limited: bool = False
    ) -> None:
        """Write a finished connection, unless the configuration wants none.

        `limited`: at most one such line a second for each listener.
        """
        if not self._config.connections or level not in self._levels:
            return
        now = self._wall_clock()
        if limited and not self._admit_connection(record.listener, level, now):
            return
        self._sink.put(self._header(level, now) + self._lines.connection(record, level, now))

    def _admit_connection(self, listener: str, level: LogLevel, now: float) -> bool:
        suppressed = self._limiter.admit(f"connection {listener}", now)
        if suppressed:
            # A line of its own: a connection's line has the same columns every time.
            fields = {"listener": listener, "suppressed": suppressed}
            self._put_event(level, "Lines of other connections were left out", fields, now)
        return suppressed is not None

    def event(self, level: LogLevel, message: str, /, **fields: object) -> None:
        """Write a sentence of ours and what belongs to it: `listener`, `pool`, `backend`, ...

        What a peer sent belongs in a field, never in the message. A field is written by its
        `str`, an enum by its value. The names time, level, kind and message are taken.
        """
        if level in self._levels:
            self._put_event(level, message, fields, self._wall_clock())

    def limited(self, kind: str, level: LogLevel, message: str, /, **fields: object) -> None:
        """Write an event, but at most one of its kind a second.

        The next line that is written says in `suppressed` how many were not. Kinds are few:
        "accept web", never a client's address.
        """
        if level not in self._levels:
            return
        now = self._wall_clock()
        suppressed = self._limiter.admit(kind, now)
        if suppressed is not None:
            told = fields | {"suppressed": suppressed} if suppressed else fields
            self._put_event(level, message, told, now)

    def debug(self, message: str, /, **fields: object) -> None:
        """Write an event that helps to find a fault."""
        self.event(LogLevel.DEBUG, message, **fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Write an event of everyday work."""
        self.event(LogLevel.INFO, message, **fields)

    def warning(self, message: str, /, **fields: object) -> None:
        """Write an event that someone should know of."""
        self.event(LogLevel.WARNING, message, **fields)

    def error(self, message: str, /, **fields: object) -> None:
        """Write an event that someone must act on."""
        self.event(LogLevel.ERROR, message, **fields)

    def statistics(self) -> LogStatistics:
        """Count the lines of this log, over all the sinks it has had."""
        sink = self._sink.statistics()
        return LogStatistics(
            written=self._before.written + sink.written,
            dropped=self._before.dropped + sink.dropped,
            suppressed=self._limiter.suppressed,
        )

    def reconfigure(self, config: LogConfig) -> None:
        """Go on with another configuration and the same sink."""
        self._use(config, self._sink)

    def switch(self, config: LogConfig, sink: LogSink) -> None:
        """Go on with another configuration and sink (a reload); the old sink is closed.

        What the old one still holds is written by its thread, and is in no count.
        """
        old = self._sink
        self._use(config, sink)
        old.close(timeout=0)
        counts = old.statistics()
        self._before = SinkStatistics(
            written=self._before.written + counts.written,
            dropped=self._before.dropped + counts.dropped,
        )

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Move the lines along until cancelled, or until `close` was called; a service."""
        task_status.started()
        sink = None
        while sink is not self._sink:
            sink = self._sink
            await sink.run()

    def close(self, timeout: float = 1.0) -> None:
        """Write what is left, waiting at most `timeout` seconds: the last call, outside trio."""
        self._sink.close(timeout)

    def _put_event(
        self, level: LogLevel, message: str, fields: dict[str, object], now: float
    ) -> None:
        self._sink.put(self._header(level, now) + self._lines.event(level, message, fields, now))

    def _describe_loss(self, lost: int) -> str:
        now = self._wall_clock()
        level = LogLevel.WARNING
        message = "Log lines were lost before this one: the log could not be written"
        return self._header(level, now) + self._lines.event(level, message, {"lost": lost}, now)
