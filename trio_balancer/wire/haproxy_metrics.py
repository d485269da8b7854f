"""HAProxy's Prometheus metrics, each with the statistic that it tells.

Source: the names, types and labels of HAProxy 2.6.12's own exporter. What only HTTP, compression,
caches or kept idle connections would fill is left out. `haproxy_samples` turns rows into samples.
"""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.wire.haproxy_checks import CheckStatus
from trio_balancer.wire.haproxy_columns import STAT_FIELDS, Kind
from trio_balancer.wire.haproxy_info import INFO_FIELDS

_PREFIX = "haproxy"
_MS_PER_SECOND = 1000


class MetricType(Enum):
    """How Prometheus treats a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Missing(Enum):
    """What an empty statistic becomes: no sample, or NaN, which says that there is no limit."""

    NO_SAMPLE = "no sample"
    NAN = "nan"


@attrs.frozen
class Metric:
    """One metric: `field` is a column of `show stat`, or a key of `show info`.

    `kinds` are the rows that have it, none for the process. The statistic is divided by `divisor`
    to get Prometheus's base unit. `help` is a phrase for people.
    """

    name: str
    field: str
    type: MetricType
    help: str
    kinds: tuple[Kind, ...] = ()
    divisor: int = 1
    missing: Missing = Missing.NO_SAMPLE

    def full_name(self, kind: Kind | None) -> str:
        """Return the name with its prefix, as "haproxy_server_weight"."""
        scope = "process" if kind is None else kind.name.lower()
        return f"{_PREFIX}_{scope}_{self.name}"


@attrs.frozen
class StateMetric:
    """A metric with one sample per state: 1 for the state that `field` tells, else 0.

    With `counted` the samples are a backend's, and tell how many of its servers are in each state.
    """

    name: str
    field: str
    help: str
    kind: Kind
    states: tuple[str, ...]
    counted: bool = False

    @property
    def full_name(self) -> str:
        """The name with its prefix, as "haproxy_server_status"."""
        return f"{_PREFIX}_{self.kind.name.lower()}_{self.name}"


_DESCRIPTIONS = {field.name: field.description for field in (*STAT_FIELDS, *INFO_FIELDS)}


def _counter(name: str, field: str, *kinds: Kind) -> Metric:
    return Metric(name, field, MetricType.COUNTER, _DESCRIPTIONS[field], kinds)


def _gauge(name: str, field: str, *kinds: Kind) -> Metric:
    return Metric(name, field, MetricType.GAUGE, _DESCRIPTIONS[field], kinds)


def _limit(name: str, field: str, *kinds: Kind) -> Metric:
    return attrs.evolve(_gauge(name, field, *kinds), missing=Missing.NAN)


def _time(name: str, field: str, text: str, *kinds: Kind) -> Metric:
    """Describe a gauge in seconds of a statistic in milliseconds."""
    return Metric(name, field, MetricType.GAUGE, text, kinds, _MS_PER_SECOND)


_CLIENT_SIDE = (Kind.FRONTEND, Kind.LISTENER)
_SERVER_SIDE = (Kind.BACKEND, Kind.SERVER)
_ALL = (*_CLIENT_SIDE, *_SERVER_SIDE)
_LAST = "of the last 1024 connections, in seconds"

STAT_METRICS = (
    _gauge("current_queue", "qcur", *_SERVER_SIDE),
    _gauge("max_queue", "qmax", *_SERVER_SIDE),
    _gauge("current_sessions", "scur", *_ALL),
    _gauge("max_sessions", "smax", *_ALL),
    _limit("limit_sessions", "slim", *_ALL),
    _counter("sessions_total", "stot", *_ALL),
    _limit("limit_session_rate", "rate_lim", Kind.FRONTEND),
    _gauge("max_session_rate", "rate_max", Kind.FRONTEND, *_SERVER_SIDE),
    _gauge("connections_rate_max", "conn_rate_max", Kind.FRONTEND),
    _counter("connections_total", "conn_tot", Kind.FRONTEND),
    _counter("bytes_in_total", "bin", *_ALL),
    _counter("bytes_out_total", "bout", *_ALL),
    _counter("requests_denied_total", "dreq", *_CLIENT_SIDE, Kind.BACKEND),
    _counter("responses_denied_total", "dresp", *_ALL),
    _counter("request_errors_total", "ereq", *_CLIENT_SIDE),
    _counter("denied_connections_total", "dcon", *_CLIENT_SIDE),
    _counter("denied_sessions_total", "dses", *_CLIENT_SIDE),
    _counter("connection_errors_total", "econ", *_SERVER_SIDE),
    _counter("response_errors_total", "eresp", *_SERVER_SIDE),
    _counter("retry_warnings_total", "wretr", *_SERVER_SIDE),
    _counter("redispatch_warnings_total", "wredis", *_SERVER_SIDE),
    _counter("internal_errors_total", "eint", *_ALL),
    _counter("client_aborts_total", "cli_abrt", *_SERVER_SIDE),
    _counter("server_aborts_total", "srv_abrt", *_SERVER_SIDE),
    _gauge("weight", "weight", *_SERVER_SIDE),
    _gauge("uweight", "uweight", *_SERVER_SIDE),
    _gauge("active_servers", "act", Kind.BACKEND),
    _gauge("backup_servers", "bck", Kind.BACKEND),
    _counter("check_failures_total", "chkfail", Kind.SERVER),
    _counter("check_up_down_total", "chkdown", *_SERVER_SIDE),
    _gauge("check_last_change_seconds", "lastchg", *_SERVER_SIDE),
    _gauge("check_code", "check_code", Kind.SERVER),
    _time("check_duration_seconds", "check_duration", "Time of the last check", Kind.SERVER),
    _counter("downtime_seconds_total", "downtime", *_SERVER_SIDE),
    _limit("queue_limit", "qlimit", Kind.SERVER),
    _limit("current_throttle", "throttle", Kind.SERVER),
    _counter("loadbalanced_total", "lbtot", *_SERVER_SIDE),
    _gauge("last_session_seconds", "lastsess", *_SERVER_SIDE),
    _counter("connection_attempts_total", "connect", *_SERVER_SIDE),
    _counter("connection_reuses_total", "reuse", *_SERVER_SIDE),
    _gauge("used_connections_current", "used_conn_cur", Kind.SERVER),
    _gauge("need_connections_current", "need_conn_est", Kind.SERVER),
    _time("queue_time_average_seconds", "qtime", f"Mean time in the queue {_LAST}", *_SERVER_SIDE),
    _time("connect_time_average_seconds", "ctime", f"Mean time to connect {_LAST}", *_SERVER_SIDE),
    _time("response_time_average_seconds", "rtime", f"Mean response time {_LAST}", *_SERVER_SIDE),
    _time("total_time_average_seconds", "ttime", f"Mean duration {_LAST}", *_SERVER_SIDE),
    _time("max_queue_time_seconds", "qtime_max", "Longest time in the queue", *_SERVER_SIDE),
    _time("max_connect_time_seconds", "ctime_max", "Longest time to connect", *_SERVER_SIDE),
    _time("max_response_time_seconds", "rtime_max", "Longest response time", *_SERVER_SIDE),
    _time("max_total_time_seconds", "ttime_max", "Longest connection", *_SERVER_SIDE),
)

_UP_OR_DOWN = ("DOWN", "UP")
_LISTENER_STATES = ("WAITING", "OPEN", "FULL")
_SERVER_STATES = ("DOWN", "UP", "MAINT", "DRAIN", "NOLB")
_CHECK_STATES = tuple(status.name for status in CheckStatus if status >= CheckStatus.HANA)
_STATUS = "1 for the state that it is in"

STATE_METRICS = (
    StateMetric("status", "status", _STATUS, Kind.FRONTEND, _UP_OR_DOWN),
    StateMetric("status", "status", _STATUS, Kind.LISTENER, _LISTENER_STATES),
    StateMetric("status", "status", _STATUS, Kind.BACKEND, _UP_OR_DOWN),
    StateMetric("status", "status", _STATUS, Kind.SERVER, _SERVER_STATES),
    StateMetric(
        "check_status",
        "check_status",
        "1 for what the last health check ended with",
        Kind.SERVER,
        _CHECK_STATES,
    ),
    StateMetric(
        "agg_server_status",
        "status",
        "Servers in each state",
        Kind.BACKEND,
        _SERVER_STATES,
        counted=True,
    ),
    StateMetric(
        "agg_check_status",
        "check_status",
        "Servers by the result of their last check",
        Kind.BACKEND,
        _CHECK_STATES,
        counted=True,
    ),
)

PROCESS_METRICS = (
    _gauge("nbthread", "Nbthread"),
    _gauge("uptime_seconds", "Uptime_sec"),
    _gauge("start_time_seconds", "Start_time_sec"),
    _gauge("max_fds", "Ulimit-n"),
    _gauge("max_sockets", "Maxsock"),
    _gauge("max_connections", "Maxconn"),
    _gauge("hard_max_connections", "Hard_maxconn"),
    _gauge("current_connections", "CurrConns"),
    _counter("connections_total", "CumConns"),
    _counter("requests_total", "CumReq"),
    _gauge("max_ssl_connections", "MaxSslConns"),
    _gauge("current_ssl_connections", "CurrSslConns"),
    _counter("ssl_connections_total", "CumSslConns"),
    _gauge("max_pipes", "Maxpipes"),
    _gauge("current_connection_rate", "ConnRate"),
    _gauge("limit_connection_rate", "ConnRateLimit"),
    _gauge("max_connection_rate", "MaxConnRate"),
    _gauge("current_session_rate", "SessRate"),
    _gauge("limit_session_rate", "SessRateLimit"),
    _gauge("max_session_rate", "MaxSessRate"),
    _gauge("current_ssl_rate", "SslRate"),
    _gauge("limit_ssl_rate", "SslRateLimit"),
    _gauge("max_ssl_rate", "MaxSslRate"),
    _gauge("current_tasks", "Tasks"),
    _gauge("current_run_queue", "Run_queue"),
    _gauge("idle_time_percent", "Idle_pct"),
    _gauge("stopping", "Stopping"),
    _gauge("jobs", "Jobs"),
    _gauge("listeners", "Listeners"),
    _counter("dropped_logs_total", "DroppedLogs"),
    _counter("failed_resolutions", "FailedResolutions"),
    _counter("bytes_out_total", "TotalBytesOut"),
    _counter("spliced_bytes_out_total", "TotalSplicdedBytesOut"),
    _gauge("bytes_out_rate", "BytesOutRate"),
)
# Its value is always 1: what it tells stands in the label `version`.
BUILD_INFO = Metric("build_info", "Version", MetricType.GAUGE, "1, with the version as a label")
