"""What the log says: one line for a finished connection, one for anything else that happens.

`text` is for people, and for grep and cut: a fixed order of `key=value` (logfmt). `json` is for
machines. `haproxy` is for tools that read HAProxy's logs. All three keep one event on one line,
whatever a peer has sent.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from trio_balancer.config.model import LogFormat, LogLevel
from trio_balancer.wire.escape import escape, word
from trio_balancer.wire.haproxy_log import Severity, TcpLog, file_header, syslog_header, tcplog

if TYPE_CHECKING:
    from trio_balancer.flow.record import Record

Plain = str | int | float | bool | None

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_SEVERITIES = {
    LogLevel.DEBUG: Severity.DEBUG,
    LogLevel.INFO: Severity.INFO,
    LogLevel.WARNING: Severity.WARNING,
    LogLevel.ERROR: Severity.ERROR,
}


class Lines(ABC):
    """One way of writing what happened, without a header and without a newline."""

    @abstractmethod
    def connection(self, record: Record, level: LogLevel, now: float) -> str:
        """Write a finished connection; `now` is Unix seconds."""

    @abstractmethod
    def event(self, level: LogLevel, message: str, fields: Mapping[str, object], now: float) -> str:
        """Write anything else: a sentence of ours, and fields for what belongs to it."""


class TextLines(Lines):
    """A timestamp (UTC), the level, then words; "-" stands for what there is none of.

    Who, where and how it ended come first, because a terminal cuts or wraps the rest. Times are
    seconds. `open` counts the connections open in the process, the listener, the pool
    and the backend; `queued` those waiting for the backend and for the pool.
    """

    def connection(self, record: Record, level: LogLevel, now: float) -> str:
        """Write every key each time and the free text last, so that columns stay columns."""
        counts = record.counts
        return (
            f"{timestamp(now)} {level.value} connection"
            f" number={record.number} ending={record.ending} client={word(str(record.client))}"
            f" listener={word(record.listener)} pool={_word(record.pool)}"
            f" backend={_word(record.backend)} total_time={_seconds(record.total_time)}"
            f" bytes_up={record.bytes_up} bytes_down={record.bytes_down}"
            f" queue_time={_seconds(record.queue_time)}"
            f" connect_time={_seconds(record.connect_time)}"
            f" attempts={record.attempts} redispatched={_text(record.redispatched)}"
            f" closed_first={record.closed_first or '-'} address={word(str(record.address))}"
            f" backend_address={_word(record.backend_address)}"
            f" open={counts.process}/{counts.listener}/{counts.pool}/{counts.backend}"
            f" queued={record.backend_queue}/{record.pool_queue}"
            f" peer={_peer(record)} sni={_word(record.server_name)} tls={_word(record.tls)}"
            f" refusal={_word(record.refusal)}"
            f" reason={_word(record.reason or None)}"
        )

    def event(self, level: LogLevel, message: str, fields: Mapping[str, object], now: float) -> str:
        """Write the sentence, then the fields."""
        return f"{timestamp(now)} {level.value} {_sentence(message, fields)}"


class JsonLines(Lines):
    """One JSON object a line, in ASCII; its keys are the record's, null for what there is none of.

    `kind` is "connection" or "event", `time` is when the line was written (ISO 8601, UTC). Times
    are seconds, `accepted_at` Unix seconds.
    """

    def connection(self, record: Record, level: LogLevel, now: float) -> str:
        """Write all that the record knows, without nesting."""
        counts = record.counts
        return _json(
            {
                "time": timestamp(now),
                "level": level.value,
                "kind": "connection",
                "number": record.number,
                "client": str(record.client),
                "listener": record.listener,
                "address": str(record.address),
                "pool": record.pool,
                "backend": record.backend,
                "backend_address": record.backend_address,
                "accepted_at": round(record.accepted_at, 6),
                "queue_time": _microseconds(record.queue_time),
                "connect_time": _microseconds(record.connect_time),
                "total_time": _microseconds(record.total_time),
                "bytes_up": record.bytes_up,
                "bytes_down": record.bytes_down,
                "ending": str(record.ending),
                "reason": record.reason or None,
                "closed_first": record.closed_first or None,
                "attempts": record.attempts,
                "redispatched": record.redispatched,
                "process_connections": counts.process,
                "listener_connections": counts.listener,
                "pool_connections": counts.pool,
                "backend_connections": counts.backend,
                "backend_queue": record.backend_queue,
                "pool_queue": record.pool_queue,
                "peer": None if record.peer is None else str(record.peer),
                "server_name": record.server_name,
                "alpn": record.alpn,
                "tls": record.tls,
                "unique_id": record.unique_id,
                "authority": None if record.tlvs is None else record.tlvs.authority_text,
                "refusal": record.refusal,
            }
        )

    def event(self, level: LogLevel, message: str, fields: Mapping[str, object], now: float) -> str:
        """Write the fields beside `time`, `level`, `kind` and `message`, which they cannot hide."""
        head: dict[str, Plain] = {
            "time": timestamp(now),
            "level": level.value,
            "kind": "event",
            "message": message,
        }
        told = {key: plain(value) for key, value in fields.items() if key not in head}
        return _json(head | told)


class HaproxyLines(Lines):
    """HAProxy's `option tcplog`, and a sentence for anything else."""

    def connection(self, record: Record, level: LogLevel, now: float) -> str:  # noqa: ARG002 - the header shows both
        """Write what HAProxy would have written."""
        counts = record.counts
        return tcplog(
            TcpLog(
                client=record.client,
                accepted_at=record.accepted_at,
                frontend=record.listener,
                tls=record.tls is not None,
                backend=record.pool,
                server=record.backend,
                queue_time=record.queue_time,
                connect_time=record.connect_time,
                total_time=record.total_time,
                sent=record.bytes_down,
                state=str(record.ending),
                connections=(counts.process, counts.listener, counts.pool, counts.backend),
                retries=max(record.attempts - 1, 0),
                redispatched=record.redispatched,
                queues=(record.backend_queue, record.pool_queue),
            )
        )

    def event(self, level: LogLevel, message: str, fields: Mapping[str, object], now: float) -> str:  # noqa: ARG002 - the header shows both
        """Write the sentence, then the fields."""
        return _sentence(message, fields)


LINES: Mapping[LogFormat, Lines] = {
    LogFormat.TEXT: TextLines(),
    LogFormat.JSON: JsonLines(),
    LogFormat.HAPROXY: HaproxyLines(),
}

Header = Callable[[LogLevel, float], str]


def header(log_format: LogFormat, *, syslog: bool, pid: int, journal: bool = False) -> Header:
    """Choose what stands before each line, given its level and the time (Unix seconds).

    HAProxy's lines get what a syslog daemon writes into a file, because those of an event carry
    no date of their own. A syslog daemon wants its own header, and systemd's journal the priority.
    """
    tag = "haproxy" if log_format is LogFormat.HAPROXY else "trio-balancer"
    if syslog:
        return lambda level, now: syslog_header(_SEVERITIES[level], now, tag, pid)
    if journal:
        return lambda level, _now: f"<{_SEVERITIES[level].value}>"
    if log_format is LogFormat.HAPROXY:
        return lambda _level, now: file_header(now, tag, pid)
    return lambda _level, _now: ""


def timestamp(now: float) -> str:
    """Write Unix seconds as "2026-11-22T18:42:28.137Z"."""
    seconds, milliseconds = divmod(round(now * 1000), 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


def plain(value: object) -> Plain:
    """Turn a field's value into what JSON knows: an enum by its value, all else by `str`."""
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


# Many lines share a second, and a date costs as much as ten fields.
@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _sentence(message: str, fields: Mapping[str, object]) -> str:
    return " ".join([escape(message), *(f"{key}={_text(fields[key])}" for key in fields)])


def _text(value: object) -> str:
    known = plain(value)
    if known is None or isinstance(known, str):
        return _word(known)
    if isinstance(known, bool):
        return "true" if known else "false"
    return f"{known:.6g}" if isinstance(known, float) else str(known)


def _word(text: str | None) -> str:
    return "-" if text is None else word(text)


def _peer(record: Record) -> str:
    """Write the socket's address where it is not the client's own."""
    return "-" if record.peer is None or record.peer == record.client else word(str(record.peer))


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"


def _microseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _json(members: Mapping[str, Plain]) -> str:
    # The encoder's default is to escape all but printable ASCII.
    return _ENCODER.encode(members)
