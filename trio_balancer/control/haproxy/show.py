"""The commands that look: `show ...` and `get weight`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.control.haproxy.info import info_values
from trio_balancer.control.haproxy.places import server, session_number
from trio_balancer.control.haproxy.servers import server_connections, server_states
from trio_balancer.control.haproxy.sessions import find_table, sessions, table_entries, tables
from trio_balancer.control.haproxy.stat_rows import stat_rows
from trio_balancer.version import __version__
from trio_balancer.wire.haproxy_fields import Format
from trio_balancer.wire.haproxy_info import parse_info_query, show_info
from trio_balancer.wire.haproxy_listings import backends, session_line, table_header, table_line
from trio_balancer.wire.haproxy_log import accept_date
from trio_balancer.wire.haproxy_reply import CommandError
from trio_balancer.wire.haproxy_servers import servers_conn, servers_state
from trio_balancer.wire.haproxy_stat_query import parse_stat_query
from trio_balancer.wire.haproxy_stats import as_json, csv, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.control.haproxy.session import Session

# Connections that are listed before other tasks run.
BATCH = 200


def info(session: Session, words: Sequence[str]) -> str:
    """Tell what is known of the process."""
    return show_info(info_values(session.balancer), parse_info_query(words))


def stat(session: Session, words: Sequence[str]) -> str:
    """Tell the statistics of listeners, pools and backends."""
    query = parse_stat_query(words)
    rows = query.select(stat_rows(session.balancer))
    if query.format is Format.JSON:
        return as_json(rows)
    return typed(rows, describe=query.describe) if query.format is Format.TYPED else csv(rows)


def version(_session: Session, _words: Sequence[str]) -> str:
    """Tell the version of the balancer."""
    return __version__


def backend(session: Session, _words: Sequence[str]) -> str:
    """List the pools."""
    return backends(session.balancer.runtime.pools)


def servers_state_of(session: Session, words: Sequence[str]) -> str:
    """Tell the state of each backend, of one pool or of all."""
    return servers_state(server_states(session.balancer, _first(words)))


def servers_conn_of(session: Session, words: Sequence[str]) -> str:
    """Tell the connections of each backend, of one pool or of all."""
    return servers_conn(server_connections(session.balancer, _first(words)))


async def sess(session: Session, words: Sequence[str]) -> str:
    """List the connections, or one."""
    number = session_number(words) if words and words[0] != "all" else None
    numbers = [*session.balancer.runtime.connections] if number is None else [number]
    lines: list[str] = []
    # There may be many, and the connections themselves must not wait for the list of them.
    for first in range(0, len(numbers), BATCH):
        lines += map(session_line, sessions(session.balancer, numbers[first : first + BATCH]))
        await trio.lowlevel.checkpoint()
    return "".join(lines)


def table(session: Session, words: Sequence[str]) -> str:
    """List the tables of clients, or the entries of one, or of one client there."""
    if not words:
        return "".join(map(table_header, tables(session.balancer)))
    name, *rest = words
    header = table_header(find_table(session.balancer, name))
    entries = table_entries(session.balancer, name)
    if rest:
        key = _key(rest)
        entries = (entry for entry in entries if entry.key == key)
    return header + "".join(map(table_line, entries))


def _key(words: Sequence[str]) -> str:
    if words[0] != "key":
        raise CommandError("Unknown action")
    if len(words) == 1:
        raise CommandError("Key value expected")
    return words[1]


def errors(session: Session, _words: Sequence[str]) -> str:
    """Tell of invalid HTTP, of which there is none."""
    now = accept_date(session.balancer.runtime.wall_clock())
    return f"Total events captured on [{now}] : 0"


def cli_level(session: Session, _words: Sequence[str]) -> str:
    """Tell what this session may do."""
    return session.level.value


def cli_sockets(session: Session, _words: Sequence[str]) -> str:
    """Tell the socket and what its clients may do."""
    level = session.balancer.config.control
    word = session.level if level is None else level.level
    return f"# socket lvl processes\nunix@{session.path} {word.value} all\n"


def weight(session: Session, words: Sequence[str]) -> str:
    """Tell a backend's weight, and that of the configuration."""
    found = server(session.balancer, words)[1]
    return f"{found.weight} (initial {found.config.weight})"


def _first(words: Sequence[str]) -> str | None:
    return words[0] if words else None
