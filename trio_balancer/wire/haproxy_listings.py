"""The replies to `show backend`, `show sess` and `show table`.

Source: HAProxy 2.6's management guide, 9.3, under these commands, and what HAProxy 2.6.12 wrote.
Each function returns the reply without the empty line that ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from trio_balancer.wire.haproxy_text import one_word

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_SHOWN_UNITS = 2


@attrs.frozen
class Session:
    """A connection, as `show sess` tells it.

    `id` is what `shutdown session` takes, `protocol` one of tcpv4, tcpv6 and unix_stream, and
    `source` the client's address. Times are in seconds; `expires` is when the next timeout acts,
    None without one. Descriptors are None where there is no socket.
    """

    id: int
    protocol: str
    source: str
    frontend: str
    backend: str | None
    server: str | None
    age: float
    expires: float | None = None
    client_fd: int | None = None
    server_fd: int | None = None


@attrs.frozen
class TableEntry:
    """What is kept about one client: `expires` in seconds, `data` by HAProxy's names.

    A rate is named with its period in milliseconds: "conn_rate(10000)".
    """

    id: int
    key: str
    used_by: int
    expires: float
    data: Mapping[str, int]


@attrs.frozen
class Table:
    """A table of clients: `type` is that of the key (ip), `size` how many it can hold."""

    name: str
    type: str
    size: int
    used: int


def backends(names: Iterable[str]) -> str:
    """Write the names of the backends, one per line."""
    return "".join(["# name\n", *(f"{one_word(name)}\n" for name in names)])


def session_line(session: Session) -> str:
    """Write one line of `show sess`.

    What HAProxy tells of its own insides, as flags, analysers and timers of each buffer, is
    written as nothing, so that readers of the format find each name in its place.
    """
    backend = "<NONE>" if session.backend is None else one_word(session.backend)
    server = "<none>" if session.server is None else one_word(session.server)
    expires = "" if session.expires is None else span(session.expires)
    return (
        f"0x{session.id:x}: proto={session.protocol} src={one_word(session.source)}"
        f" fe={one_word(session.frontend)} be={backend} srv={server}"
        f" ts=00 epoch=0 age={span(session.age)} calls=0 rate=0 cpu=0 lat=0"
        " rq[f=0h,i=0,an=00h,rx=,wx=,ax=] rp[f=0h,i=0,an=00h,rx=,wx=,ax=]"
        f" scf=[0,0h,fd={_descriptor(session.client_fd)}]"
        f" scb=[0,0h,fd={_descriptor(session.server_fd)}] exp={expires} rc=0 c_exp=\n"
    )


def table_header(table: Table) -> str:
    """Write the line that `show table` shows of each table, and above a table's entries."""
    return (
        f"# table: {one_word(table.name)}, type: {table.type},"
        f" size:{table.size}, used:{table.used}\n"
    )


def table_line(entry: TableEntry) -> str:
    """Write one entry of `show table NAME`."""
    data = "".join(f" {name}={value}" for name, value in entry.data.items())
    expires_ms = round(entry.expires * 1000)
    return f"0x{entry.id:x}: key={one_word(entry.key)} use={entry.used_by} exp={expires_ms}{data}\n"


def span(seconds: float) -> str:
    """Write a time as its two largest units that are not zero: "1d2h", "3m20s", "0s"."""
    left = int(seconds)
    parts = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:_SHOWN_UNITS]) or "0s"


def _descriptor(fd: int | None) -> int:
    return -1 if fd is None else fd
