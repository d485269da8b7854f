from __future__ import annotations

import re

from wire.captures.decode import capture

from trio_balancer.wire.haproxy_columns import STAT_FIELDS, Kind
from trio_balancer.wire.haproxy_info import INFO_FIELDS
from trio_balancer.wire.haproxy_metrics import (
    BUILD_INFO,
    PROCESS_METRICS,
    STAT_METRICS,
    STATE_METRICS,
    Metric,
)

THEIRS = dict(re.findall(r"^# TYPE (\S+) (\w+)$", capture("metrics.txt"), re.MULTILINE))
# What has no meaning without HTTP, TLS key counts, memory pools, peers or idle connections.
LEFT_OUT = re.compile(
    r"http|_ssl_key_|ssl_reuse|ssl_cache|zlib|header_rewriting|intercepted|peers|pool|memory"
    r"|idle_connections|nbproc|relative_process|unstoppable|busy_polling|recv_logs|sticktable"
    r"|pipes_(used|free)_total|agg_server_check_status"
)


def named() -> dict[str, str]:
    ours = {
        metric.full_name(kind): metric.type.value
        for metric in STAT_METRICS
        for kind in metric.kinds
    }
    ours |= {metric.full_name: "gauge" for metric in STATE_METRICS}
    process = (*PROCESS_METRICS, BUILD_INFO)
    return ours | {metric.full_name(None): metric.type.value for metric in process}


def test_names_and_types_are_haproxys() -> None:
    assert named() == {name: kind for name, kind in THEIRS.items() if not LEFT_OUT.search(name)}


def test_no_metric_stands_twice() -> None:
    assert len({metric.name for metric in STAT_METRICS}) == len(STAT_METRICS)
    assert len({metric.name for metric in PROCESS_METRICS}) == len(PROCESS_METRICS)


def test_each_tells_a_statistic_that_exists() -> None:
    columns = {field.name for field in STAT_FIELDS}
    keys = {field.name for field in INFO_FIELDS}

    assert {metric.field for metric in (*STAT_METRICS, *STATE_METRICS)} <= columns
    assert {metric.field for metric in (*PROCESS_METRICS, BUILD_INFO)} <= keys


def test_help_is_in_the_metrics_own_unit() -> None:
    metrics: tuple[Metric, ...] = (*STAT_METRICS, *PROCESS_METRICS)

    assert [metric.name for metric in metrics if "illisecond" in metric.help] == []
    assert {m.divisor for m in STAT_METRICS if m.name.endswith("time_seconds")} == {1000}


def test_a_name_has_its_scope() -> None:
    weight = next(metric for metric in STAT_METRICS if metric.name == "weight")

    assert weight.full_name(Kind.SERVER) == "haproxy_server_weight"
    assert BUILD_INFO.full_name(None) == "haproxy_process_build_info"
