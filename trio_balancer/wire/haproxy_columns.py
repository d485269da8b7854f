"""The columns of `show stat`, in HAProxy 2.6's order, which readers of the CSV count on.

Source: the header of `show stat`, and the types and tags of `show stat typed`, of HAProxy 2.6.12;
its management guide, 9.1 "CSV format", says what they mean. "src_ilim" is spelt so there. A new
column goes after these, never between them.
"""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.wire.haproxy_fields import Field, ValueType

_U32 = ValueType.U32
_S32 = ValueType.S32
_U64 = ValueType.U64
_STR = ValueType.STR


class Kind(Enum):
    """What a row is about: the number in its `type` column."""

    FRONTEND = 0
    BACKEND = 1
    SERVER = 2
    LISTENER = 3


_COLUMNS = (
    ("pxname", _STR, "KNS", "Name of the frontend or backend"),
    ("svname", _STR, "KNS", "FRONTEND, BACKEND, or the name of the server or listener"),
    ("qcur", _U32, "MGP", "Connections waiting in the queue"),
    ("qmax", _U32, "MMP", "Most connections that ever waited in the queue"),
    ("scur", _U32, "MGP", "Connections open now"),
    ("smax", _U32, "MMP", "Most connections that were ever open at once"),
    ("slim", _U32, "CLP", "Connections that may be open at once"),
    ("stot", _U64, "MCP", "Connections served since the start"),
    ("bin", _U64, "MCP", "Bytes that clients sent"),
    ("bout", _U64, "MCP", "Bytes that servers sent"),
    ("dreq", _U64, "MCP", "Requests refused by a rule"),
    ("dresp", _U64, "MCP", "Responses refused by a rule"),
    ("ereq", _U64, "MCP", "Clients that sent nothing usable before a server was chosen"),
    ("econ", _U64, "MCP", "Connections that reached no server"),
    ("eresp", _U64, "MCP", "Connections that a server broke"),
    ("wretr", _U64, "MCP", "Further attempts to reach the same server"),
    ("wredis", _U64, "MCP", "Connections that went to another server after a failed attempt"),
    ("status", _STR, "SGP", "State in a word, with the progress of its checks"),
    ("weight", _U32, "MaP", "Weight in force, or the sum of the active servers' weights"),
    ("act", _U32, "SGP", "Servers in use that are no backup, or whether this one is none"),
    ("bck", _U32, "SGP", "Backup servers that are up, or whether this one is a backup"),
    ("chkfail", _U64, "MCP", "Health checks that failed while the server was up"),
    ("chkdown", _U64, "MCP", "Changes from up to down"),
    ("lastchg", _U32, "MAP", "Seconds since the last change of state"),
    ("downtime", _U32, "MCP", "Seconds spent down"),
    ("qlimit", _U32, "CGS", "Connections that may wait for this server"),
    ("pid", _U32, "KGP", "Number of the process, always 1"),
    ("iid", _U32, "KGS", "Number of the frontend or backend"),
    ("sid", _U32, "KGS", "Number of the server or listener within its proxy"),
    ("throttle", _U32, "MaP", "Share of its weight that a slowly starting server has, in percent"),
    ("lbtot", _U64, "MCP", "Connections for which the balancing policy chose a server"),
    ("tracked", _STR, "CNS", "Server whose state this one follows"),
    ("type", _U32, "CGS", "0 frontend, 1 backend, 2 server, 3 listener"),
    ("rate", _U32, "MRP", "Connections in the last second"),
    ("rate_lim", _U32, "CLP", "Connections that may come in one second"),
    ("rate_max", _U32, "MMP", "Most connections that ever came in one second"),
    ("check_status", _STR, "MOP", "Result of the last health check, in a code"),
    ("check_code", _U32, "MOP", "Status that the application answered to the last health check"),
    ("check_duration", _U64, "MDP", "Milliseconds that the last health check took"),
    ("hrsp_1xx", _U64, "MCP", "HTTP responses with status 1xx"),
    ("hrsp_2xx", _U64, "MCP", "HTTP responses with status 2xx"),
    ("hrsp_3xx", _U64, "MCP", "HTTP responses with status 3xx"),
    ("hrsp_4xx", _U64, "MCP", "HTTP responses with status 4xx"),
    ("hrsp_5xx", _U64, "MCP", "HTTP responses with status 5xx"),
    ("hrsp_other", _U64, "MCP", "HTTP responses with another status"),
    ("hanafail", _U64, "MCP", "Failures found in passing traffic"),
    ("req_rate", _U32, "MRP", "HTTP requests in the last second"),
    ("req_rate_max", _U32, "MMP", "Most HTTP requests that ever came in one second"),
    ("req_tot", _U64, "MCP", "HTTP requests"),
    ("cli_abrt", _U64, "MCP", "Connections that the client broke off"),
    ("srv_abrt", _U64, "MCP", "Connections that the server broke off"),
    ("comp_in", _U64, "MCP", "Bytes given to the HTTP compressor"),
    ("comp_out", _U64, "MCP", "Bytes that the HTTP compressor gave back"),
    ("comp_byp", _U64, "MCP", "Bytes that passed the HTTP compressor by"),
    ("comp_rsp", _U64, "MCP", "HTTP responses that were compressed"),
    ("lastsess", _S32, "MAP", "Seconds since the last connection; -1 if there was none"),
    ("last_chk", _STR, "MOP", "What the last health check ended with"),
    ("last_agt", _STR, "MOP", "What the last agent check ended with"),
    ("qtime", _U32, "MaP", "Mean time in the queue of the last 1024 connections, milliseconds"),
    ("ctime", _U32, "MaP", "Mean time to connect of the last 1024 connections, milliseconds"),
    ("rtime", _U32, "MaP", "Mean HTTP response time of the last 1024 requests, milliseconds"),
    ("ttime", _U32, "MaP", "Mean duration of the last 1024 connections, milliseconds"),
    ("agent_status", _STR, "MOP", "Result of the last agent check, in a code"),
    ("agent_code", _U32, "MOP", "Status that the agent answered"),
    ("agent_duration", _U64, "MDP", "Milliseconds that the last agent check took"),
    ("check_desc", _STR, "MOP", "Result of the last health check, in words"),
    ("agent_desc", _STR, "MOP", "Result of the last agent check, in words"),
    ("check_rise", _U32, "CGS", "Passed checks in a row that bring the server up"),
    ("check_fall", _U32, "CGS", "Failed checks in a row that take the server down"),
    (
        "check_health",
        _U32,
        "CGS",
        "Counter of the checks: from rise on up, at most rise + fall - 1",
    ),
    ("agent_rise", _U32, "CGS", "Agent checks in a row that bring the server up"),
    ("agent_fall", _U32, "CGS", "Agent checks in a row that take the server down"),
    ("agent_health", _U32, "CGS", "Counter of the agent checks"),
    ("addr", _STR, "CGS", "Address and port"),
    ("cookie", _STR, "CNS", "Name of the cookie, or its value for this server"),
    ("mode", _STR, "CGS", "What is balanced: tcp or http"),
    ("algo", _STR, "CGS", "Policy that chooses the server"),
    ("conn_rate", _U32, "MRP", "Clients accepted in the last second"),
    ("conn_rate_max", _U32, "MMP", "Most clients that were ever accepted in one second"),
    ("conn_tot", _U64, "MCP", "Clients accepted"),
    ("intercepted", _U64, "MCP", "HTTP requests answered by the balancer itself"),
    ("dcon", _U64, "MCP", "Clients refused by a rule as soon as they were accepted"),
    ("dses", _U64, "MCP", "Clients refused by a rule once their handshake was done"),
    ("wrew", _U64, "MCP", "HTTP headers that could not be rewritten"),
    ("connect", _U64, "MCP", "Attempts to connect to a server"),
    ("reuse", _U64, "MCP", "Connections to a server that were used again"),
    ("cache_lookups", _U64, "MCP", "HTTP requests looked up in the cache"),
    ("cache_hits", _U64, "MCP", "HTTP requests found in the cache"),
    ("srv_icur", _U32, "MGP", "Idle connections kept for later use"),
    ("src_ilim", _U32, "CLP", "Idle connections that may be kept"),
    ("qtime_max", _U32, "MMP", "Longest time in the queue, milliseconds"),
    ("ctime_max", _U32, "MMP", "Longest time to connect, milliseconds"),
    ("rtime_max", _U32, "MMP", "Longest HTTP response time, milliseconds"),
    ("ttime_max", _U32, "MMP", "Longest connection, milliseconds"),
    ("eint", _U64, "MCP", "Connections ended by an error of the balancer itself"),
    ("idle_conn_cur", _U32, "MGP", "Idle connections that may not be shared"),
    ("safe_conn_cur", _U32, "MGP", "Idle connections that may be shared"),
    ("used_conn_cur", _U32, "MGP", "Connections to the server in use"),
    ("need_conn_est", _U32, "MGP", "Connections to the server that are likely to be needed"),
    ("uweight", _U32, "MaP", "Weight asked for, or the sum of the active servers' weights"),
    ("agg_server_status", _U32, "MGP", "Servers in each state"),
    ("agg_server_check_status", _U32, "MGP", "Servers in each state; the older name"),
    ("agg_check_status", _U32, "MGP", "Servers with each result of their last health check"),
)

STAT_FIELDS = tuple(Field(position, *column) for position, column in enumerate(_COLUMNS))

# A backend counts servers and connections where a server has a state and a rate.
_BACKEND_TAGS = {"act": "MGP", "bck": "MGP", "rate": "MGP", "rate_max": "MGP"}
_BACKEND_FIELDS = tuple(
    attrs.evolve(field, tags=_BACKEND_TAGS.get(field.name, field.tags)) for field in STAT_FIELDS
)


def fields_of(kind: Kind) -> tuple[Field, ...]:
    """Return the fields as rows of this kind tag them."""
    return _BACKEND_FIELDS if kind is Kind.BACKEND else STAT_FIELDS
