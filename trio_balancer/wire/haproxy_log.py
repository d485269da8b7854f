"""HAProxy's log lines: `option tcplog`, and the headers in front of it.

Source: HAProxy's configuration manual, 8.2.2 "TCP log format" and 8.5 "Session state at
disconnection", held against what HAProxy 2.6 wrote. As there, dates are in the local time zone
and their month names English, whatever the locale.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache

import attrs

from trio_balancer.wire.address import InetAddress, SocketAddress
from trio_balancer.wire.escape import escape

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOCAL0 = 16
# HAProxy prints a client without an address as "unix:" and the number of its listening socket.
# Nothing reads that number, so it is always the first one.
_UNIX_CLIENT = "unix:1"
_NO_SERVER = "<NOSRV>"


class Severity(IntEnum):
    """How bad it is, in syslog's numbers (RFC 3164, 4.1.1)."""

    ERROR = 3
    WARNING = 4
    INFO = 6
    DEBUG = 7


@attrs.frozen
class TcpLog:
    """One finished connection as `option tcplog` tells it.

    `accepted_at` is Unix seconds, times are seconds and None where not reached; `sent` is bytes
    from the server to the client. `connections` counts those of the process, the frontend, the
    backend and the server; `queues` those waiting for the server and for the backend. Without a
    backend HAProxy names the frontend in its place. `tls` is whether we decrypted it, which is
    shown by a "~" after the frontend.
    """

    client: SocketAddress
    accepted_at: float
    frontend: str
    backend: str | None
    server: str | None
    queue_time: float | None
    connect_time: float | None
    total_time: float
    sent: int
    state: str
    connections: tuple[int, int, int, int]
    retries: int
    redispatched: bool
    queues: tuple[int, int]
    tls: bool = False


def tcplog(entry: TcpLog) -> str:
    """Write the line, without a header and without a newline."""
    frontend = _name(entry.frontend)
    backend = frontend if entry.backend is None else _name(entry.backend)
    server = _NO_SERVER if entry.server is None else _name(entry.server)
    times = "/".join(map(_ms, (entry.queue_time, entry.connect_time, entry.total_time)))
    connections = "/".join(map(str, entry.connections))
    retries = f"+{entry.retries}" if entry.redispatched else f"{entry.retries}"
    tls = "~" if entry.tls else ""
    return (
        f"{_client(entry.client)} [{accept_date(entry.accepted_at)}]"
        f" {frontend}{tls} {backend}/{server} {times} {entry.sent} {entry.state}"
        f" {connections}/{retries} {entry.queues[0]}/{entry.queues[1]}"
    )


def accept_date(timestamp: float) -> str:
    """Write Unix seconds as HAProxy does: "22/Nov/2026:18:42:28.137", local time."""
    seconds, milliseconds = divmod(round(timestamp * 1000), 1000)
    return f"{_date(seconds)}.{milliseconds:03d}"


def syslog_header(severity: Severity, timestamp: float, tag: str, pid: int) -> str:
    """Write what stands before a message to a local syslog daemon, facility local0.

    "<134>Nov 22 18:42:28 haproxy[123]: ": RFC 3164 without the host, which the daemon adds.
    """
    return f"<{_LOCAL0 * 8 + severity}>{_syslog_date(int(timestamp))} {tag}[{pid}]: "


def file_header(timestamp: float, tag: str, pid: int) -> str:
    """Write what a syslog daemon puts before a message in its files.

    "Nov 22 18:42:28 localhost haproxy[123]: ". HAProxy's `halog` counts fields from the start of
    the line and takes five to stand there, the host among them.
    """
    return f"{_syslog_date(int(timestamp))} localhost {tag}[{pid}]: "


def _client(client: SocketAddress) -> str:
    # An IPv6 address is not bracketed: whoever reads this format cuts at the last colon.
    return f"{client.ip}:{client.port}" if isinstance(client, InetAddress) else _UNIX_CLIENT


def _name(name: str) -> str:
    # Fields are separated by spaces alone, so that no name may hold one.
    return escape(name).replace(" ", r"\x20")


def _ms(seconds: float | None) -> str:
    return "-1" if seconds is None else str(round(seconds * 1000))


def _local(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone()


# Many lines share a second, and converting to local time costs as much as the rest of a line.
@lru_cache(maxsize=16)
def _date(seconds: int) -> str:
    local = _local(seconds)
    return f"{local.day:02d}/{_MONTHS[local.month - 1]}/{local.year:04d}:{local:%H:%M:%S}"


@lru_cache(maxsize=16)
def _syslog_date(seconds: int) -> str:
    local = _local(seconds)
    return f"{_MONTHS[local.month - 1]} {local.day:2d} {local:%H:%M:%S}"
