"""The reply to `show info`: what is known of the process.

Source: HAProxy 2.6's management guide, 9.3, "show info", and what HAProxy 2.6.12 wrote. Numbers
that are missing belong to features that it was built without; "TotalSplicdedBytesOut" is spelt
so there. Each function returns the reply without the empty line that ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.wire.escape import escape
from trio_balancer.wire.haproxy_fields import Field, Format, Value, ValueType
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_U32 = ValueType.U32
_U64 = ValueType.U64
_STR = ValueType.STR

INFO_FIELDS = (
    Field(0, "Name", _STR, "POS", "What runs here"),
    Field(1, "Version", _STR, "POS", "Its version"),
    Field(2, "Release_date", _STR, "POS", "The day of its release"),
    Field(3, "Nbthread", _U32, "CGS", "Threads that move bytes"),
    Field(4, "Nbproc", _U32, "CGS", "Processes, always 1"),
    Field(5, "Process_num", _U32, "KGP", "Number of the process, always 1"),
    Field(6, "Pid", _U32, "SGP", "Process number of the operating system"),
    Field(7, "Uptime", _STR, "MDP", "Time since the start, in words"),
    Field(8, "Uptime_sec", _U32, "MDP", "Seconds since the start"),
    Field(9, "Memmax_MB", _U32, "CLP", "Memory that may be used, in MiB; 0 is no limit"),
    Field(10, "PoolAlloc_MB", _U32, "MGP", "Memory kept in pools, in MiB"),
    Field(11, "PoolUsed_MB", _U32, "MGP", "Memory in use in pools, in MiB"),
    Field(12, "PoolFailed", _U32, "MCP", "Allocations from pools that failed"),
    Field(13, "Ulimit-n", _U32, "CLP", "File descriptors that may be open"),
    Field(14, "Maxsock", _U32, "CLP", "Sockets that may be open"),
    Field(15, "Maxconn", _U32, "CLP", "Connections that may be open at once"),
    Field(16, "Hard_maxconn", _U32, "CLP", "The highest that Maxconn can be set to"),
    Field(17, "CurrConns", _U32, "MGP", "Connections open now"),
    Field(18, "CumConns", _U32, "MCP", "Connections accepted since the start"),
    Field(19, "CumReq", _U32, "MCP", "Connections or requests served since the start"),
    Field(
        20, "MaxSslConns", _U32, "MMP", "TLS connections that may be open at once; 0 is no limit"
    ),
    Field(21, "CurrSslConns", _U32, "MGP", "TLS connections open now"),
    Field(22, "CumSslConns", _U32, "MCP", "TLS connections since the start"),
    Field(23, "Maxpipes", _U32, "CLP", "Pipes that splicing may use"),
    Field(24, "PipesUsed", _U32, "MGP", "Pipes that splicing uses now"),
    Field(25, "PipesFree", _U32, "MGP", "Pipes kept for splicing"),
    Field(26, "ConnRate", _U32, "MRP", "Connections accepted in the last second"),
    Field(
        27,
        "ConnRateLimit",
        _U32,
        "CLP",
        "Connections that may be accepted in one second; 0 is no limit",
    ),
    Field(28, "MaxConnRate", _U32, "MMP", "Most connections that were ever accepted in one second"),
    Field(29, "SessRate", _U32, "MRP", "Connections served in the last second"),
    Field(
        30,
        "SessRateLimit",
        _U32,
        "CLP",
        "Connections that may be served in one second; 0 is no limit",
    ),
    Field(31, "MaxSessRate", _U32, "MRP", "Most connections that were ever served in one second"),
    Field(32, "SslRate", _U32, "MRP", "TLS connections in the last second"),
    Field(
        33,
        "SslRateLimit",
        _U32,
        "CLP",
        "TLS connections that may come in one second; 0 is no limit",
    ),
    Field(34, "MaxSslRate", _U32, "MMP", "Most TLS connections that ever came in one second"),
    Field(
        35, "SslFrontendKeyRate", _U32, "MGP", "TLS keys computed toward clients in the last second"
    ),
    Field(
        36,
        "SslFrontendMaxKeyRate",
        _U32,
        "MMP",
        "Most TLS keys ever computed toward clients in one second",
    ),
    Field(
        37,
        "SslFrontendSessionReuse_pct",
        _U32,
        "MGP",
        "TLS clients that resumed a session, in percent",
    ),
    Field(
        38, "SslBackendKeyRate", _U32, "MRP", "TLS keys computed toward servers in the last second"
    ),
    Field(
        39,
        "SslBackendMaxKeyRate",
        _U32,
        "MMP",
        "Most TLS keys ever computed toward servers in one second",
    ),
    Field(40, "SslCacheLookups", _U32, "MCP", "TLS sessions looked up"),
    Field(41, "SslCacheMisses", _U32, "MCP", "TLS sessions looked up and not found"),
    Field(42, "CompressBpsIn", _U32, "MRP", "Bytes a second that go into HTTP compression"),
    Field(43, "CompressBpsOut", _U32, "MRP", "Bytes a second that come out of HTTP compression"),
    Field(44, "CompressBpsRateLim", _U32, "CLP", "Bytes a second that HTTP compression may give"),
    Field(47, "Tasks", _U32, "MGP", "Tasks alive"),
    Field(48, "Run_queue", _U32, "MGP", "Tasks ready to run"),
    Field(49, "Idle_pct", _U32, "MaP", "Share of the last second spent waiting, in percent"),
    Field(50, "node", _STR, "COS", "Name of this machine or instance"),
    Field(52, "Stopping", _U32, "MGP", "1 while the process drains and stops, else 0"),
    Field(53, "Jobs", _U32, "MGP", "Connections and listeners that keep the process alive"),
    Field(54, "Unstoppable Jobs", _U32, "MGP", "Jobs that stopping does not end"),
    Field(55, "Listeners", _U32, "MGP", "Addresses that accept clients"),
    Field(56, "ActivePeers", _U32, "MGP", "Peers that are verified"),
    Field(57, "ConnectedPeers", _U32, "MGP", "Peers that are connected"),
    Field(58, "DroppedLogs", _U32, "MGP", "Log lines that were lost"),
    Field(59, "BusyPolling", _U32, "MGP", "1 when the process polls without sleeping, else 0"),
    Field(60, "FailedResolutions", _U32, "MGP", "Names that could not be resolved"),
    Field(61, "TotalBytesOut", _U64, "MGP", "Bytes sent since the start"),
    Field(62, "TotalSplicdedBytesOut", _U64, "MGP", "Bytes sent by splicing since the start"),
    Field(63, "BytesOutRate", _U64, "MRP", "Bytes sent in the last second"),
    Field(64, "DebugCommandsIssued", _U32, "MGP", "Debugging commands given"),
    Field(65, "CumRecvLogs", _U32, "MCP", "Log lines received from others"),
    Field(66, "Build info", _STR, "POS", "Version and build"),
    Field(67, "Memmax_bytes", _U32, "CLP", "Memory that may be used, in bytes; 0 is no limit"),
    Field(68, "PoolAlloc_bytes", _U64, "MGP", "Memory kept in pools, in bytes"),
    Field(69, "PoolUsed_bytes", _U64, "MGP", "Memory in use in pools, in bytes"),
    Field(70, "Start_time_sec", _U32, "MDP", "When the process started, in Unix seconds"),
    Field(71, "Tainted", _STR, "SGP", "0 unless something unsupported was done to the process"),
)
_NAMES = frozenset(field.name for field in INFO_FIELDS)
_FORMATS = {"typed": Format.TYPED, "json": Format.JSON}


@attrs.frozen
class InfoQuery:
    """A parsed `show info`; HAProxy leaves descriptions out of JSON, even where asked for."""

    format: Format = Format.TEXT
    describe: bool = False


def parse_info_query(words: Sequence[str]) -> InfoQuery:
    """Parse the words after "show info"; raises CommandError with the text to answer."""
    query = InfoQuery()
    for word in words:
        query = _parse_option(query, word)
    return query


def show_info(values: Mapping[str, Value], query: InfoQuery) -> str:
    """Write the values by their names; those that are not given are left out.

    Raises ValueError for a name that HAProxy does not have; for the values see `Field.fit`.
    """
    strangers = sorted(values.keys() - _NAMES)
    if strangers:
        raise ValueError(f"`show info` has no {', '.join(strangers)}")
    known = [
        (field, field.fit(values[field.name])) for field in INFO_FIELDS if field.name in values
    ]
    if query.format is Format.JSON:
        objects = ",".join(f"{{{field.json(value)}}}" for field, value in known)
        return f"[{objects}]\n"
    return "".join(_lines(known, query))


def uptime(seconds: float) -> str:
    """Write a time since the start as "0d 0h00m28s"."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days}d {hour}h{minute:02d}m{second:02d}s"


def _parse_option(query: InfoQuery, word: str) -> InfoQuery:
    if word == "desc":
        return attrs.evolve(query, describe=True)
    if word not in _FORMATS:
        raise CommandError(f'Unknown option "{escape(word)}", expected typed, json, desc.')
    return attrs.evolve(query, format=_FORMATS[word])


def _lines(known: Sequence[tuple[Field, Value]], query: InfoQuery) -> Iterator[str]:
    for field, value in known:
        line = field.typed(value) if query.format is Format.TYPED else f"{field.name}: {value}"
        meaning = f':"{field.description}"' if query.describe else ""
        yield f"{line}{meaning}\n"
