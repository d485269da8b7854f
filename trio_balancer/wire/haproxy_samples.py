"""What HAProxy's Prometheus metrics say of the rows of `show stat` and the values of `show info`.

Source: what HAProxy 2.6.12's own exporter said beside its `show stat`. Where that exporter says
NaN for a statistic that is empty and no limit, there is no sample here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from trio_balancer.wire.haproxy_columns import Kind
from trio_balancer.wire.haproxy_metrics import BUILD_INFO, PROCESS_METRICS, Metric, Missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from trio_balancer.wire.haproxy_fields import Value
    from trio_balancer.wire.haproxy_metrics import StateMetric
    from trio_balancer.wire.haproxy_stats import StatRow

# Words of the status column that the metrics have other names for.
_STATES = {
    "OPEN": {Kind.FRONTEND: "UP"},
    # Paused, a frontend is still there: HAProxy calls it up.
    "PAUSED": {Kind.FRONTEND: "UP"},
    "STOP": {Kind.FRONTEND: "DOWN"},
    "no": {Kind.SERVER: "UP"},
}


@attrs.frozen
class Sample:
    """One line of an exporter's page, but for the metric's name: NaN means no limit."""

    labels: tuple[tuple[str, str], ...]
    value: float


def stat_samples(metric: Metric, kind: Kind, rows: Iterable[StatRow]) -> Iterator[Sample]:
    """Iterate over what the rows of one kind say of a metric, each labelled with its names."""
    for row in rows:
        if row.kind is kind:
            number = _number(metric, row.values)
            if number is not None:
                yield Sample(_labels(row), number)


def state_samples(metric: StateMetric, rows: Sequence[StatRow]) -> Iterator[Sample]:
    """Iterate over a sample per state for each row that the metric is about."""
    for row in rows:
        if row.kind is metric.kind:
            members = _servers(row, rows) if metric.counted else [row]
            yield from _counts(metric, row, members)


def process_samples(values: Mapping[str, Value]) -> Iterator[tuple[Metric, Sample]]:
    """Iterate over what is known of the process, given the values of `show info`."""
    for metric in PROCESS_METRICS:
        number = _number(metric, values)
        if number is not None:
            yield metric, Sample((), number)
    if BUILD_INFO.field in values:
        yield BUILD_INFO, Sample((("version", str(values[BUILD_INFO.field])),), 1)


def _number(metric: Metric, values: Mapping[str, Value]) -> float | None:
    value = values.get(metric.field)
    if value is None:
        return math.nan if metric.missing is Missing.NAN else None
    return float(value) / metric.divisor


def _servers(backend: StatRow, rows: Sequence[StatRow]) -> list[StatRow]:
    return [row for row in rows if row.kind is Kind.SERVER and row.proxy_id == backend.proxy_id]


def _counts(metric: StateMetric, row: StatRow, members: Sequence[StatRow]) -> Iterator[Sample]:
    states = [_state(metric, member) for member in members if metric.field in member.values]
    # A server without checks has no result, not one that is nothing.
    if states or metric.counted:
        for state in metric.states:
            yield Sample((*_labels(row), ("state", state)), states.count(state))


def _state(metric: StateMetric, row: StatRow) -> str:
    """Return the state without what stands around it: "* L4OK" and "UP 1/3" are L4OK and UP."""
    word = str(row.values[metric.field]).removeprefix("* ").partition(" ")[0]
    return _STATES.get(word, {}).get(row.kind, word)


def _labels(row: StatRow) -> tuple[tuple[str, str], ...]:
    proxy = ("proxy", row.proxy)
    if row.kind in (Kind.SERVER, Kind.LISTENER):
        return (proxy, (row.kind.name.lower(), row.server))
    return (proxy,)
