"""The families of metrics: HAProxy's names where they mean the same, and our own beside them.

Every label's values come from the configuration or from a fixed list of words.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.utils import floatToGoString

from trio_balancer.control.admin.histograms import present_labels
from trio_balancer.wire.haproxy_metrics import STAT_METRICS, STATE_METRICS, MetricType
from trio_balancer.wire.haproxy_samples import process_samples, stat_samples, state_samples

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from prometheus_client.core import Metric as Family

    from trio_balancer.control.admin.histograms import Histogram, Histograms, Labels
    from trio_balancer.control.admin.snapshot import Snapshot
    from trio_balancer.wire.haproxy_samples import Sample

# HAProxy tells it in percent, which Prometheus takes from nobody else.
_FOREIGN = frozenset({"haproxy_process_idle_time_percent"})


def families(snapshot: Snapshot, histograms: Histograms) -> Iterator[Family]:
    """Iterate over all families that have something to tell."""
    present = present_labels(snapshot.statistics)
    every = chain(
        _haproxy_process(snapshot),
        _haproxy_stats(snapshot),
        _haproxy_states(snapshot),
        _own(snapshot),
        (_histogram(each, present[each.labels]) for each in histograms.all()),
    )
    return (family for family in every if family.samples)


def _haproxy_process(snapshot: Snapshot) -> Iterator[Family]:
    for metric, sample in process_samples(snapshot.info):
        name = metric.full_name(None)
        if name not in _FOREIGN:
            yield _family(metric.type, name, metric.help, [sample])


def _haproxy_stats(snapshot: Snapshot) -> Iterator[Family]:
    for metric in STAT_METRICS:
        for kind in metric.kinds:
            samples = stat_samples(metric, kind, snapshot.rows)
            yield _family(metric.type, metric.full_name(kind), metric.help, samples)


def _haproxy_states(snapshot: Snapshot) -> Iterator[Family]:
    for metric in STATE_METRICS:
        samples = state_samples(metric, snapshot.rows)
        yield _family(MetricType.GAUGE, metric.full_name, metric.help, samples)


def _family(kind: MetricType, name: str, text: str, samples: Iterable[Sample]) -> Family:
    is_counter = kind is MetricType.COUNTER
    family = CounterMetricFamily(name, text) if is_counter else GaugeMetricFamily(name, text)
    # The library takes "_total" away from a counter's name, and wants it back at its samples.
    full = f"{family.name}_total" if is_counter else name
    for sample in samples:
        family.add_sample(full, dict(sample.labels), sample.value)
    return family


def _own(snapshot: Snapshot) -> Iterator[Family]:
    """Iterate over what HAProxy has no name for."""
    yield _gauge("ready", "1 while it serves, 0 once it was asked to stop.", snapshot.ready)
    reloads = snapshot.reloads
    yield _counter("reloads", "Reloads that were tried.", reloads.count)
    yield _counter("reloads_failed", "Reloads that changed nothing.", reloads.failed)
    traffic = snapshot.statistics.traffic
    yield _counter("accept_errors", "Failures to accept a client.", traffic.accept_errors)
    yield _counter("bugs", "Connections that ended by a bug of the balancer.", traffic.bugs)
    log = snapshot.statistics.log
    yield _counter("log_lines_written", "Log lines that were written.", log.written)
    yield _counter("log_lines_suppressed", "Log lines held back by a limit.", log.suppressed)
    yield from _own_of_listeners(snapshot)
    yield from _own_of_pools(snapshot)


def _own_of_listeners(snapshot: Snapshot) -> Iterator[Family]:
    endings = CounterMetricFamily(
        "trio_balancer_endings",
        "Finished connections by their two letters: who ended them, and when.",
        labels=("listener", "ending"),
    )
    refusals = CounterMetricFamily(
        "trio_balancer_refusals", "Refused clients by the reason.", labels=("listener", "reason")
    )
    for listener in snapshot.statistics.listeners:
        for letters, count in listener.traffic.endings.items():
            endings.add_metric((listener.name, letters), count)
        for reason, count in listener.traffic.refusals.items():
            refusals.add_metric((listener.name, reason), count)
    yield endings
    yield refusals


def _own_of_pools(snapshot: Snapshot) -> Iterator[Family]:
    held = GaugeMetricFamily(
        "trio_balancer_held_connections", "Clients held until a backend is up.", labels=("pool",)
    )
    ejected = GaugeMetricFamily(
        "trio_balancer_ejected",
        "1 while a backend is set aside because it failed its clients.",
        labels=("pool", "backend"),
    )
    for pool in snapshot.statistics.pools:
        held.add_metric((pool.name,), pool.held)
        for backend in pool.backends:
            ejected.add_metric((pool.name, backend.name), backend.ejected)
    yield held
    yield ejected


def _gauge(name: str, text: str, value: float) -> Family:
    return GaugeMetricFamily(f"trio_balancer_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Family:
    return CounterMetricFamily(f"trio_balancer_{name}", text, value)


def _histogram(histogram: Histogram, present: Collection[Labels]) -> Family:
    """Tell of what is there; what has left is remembered, and told when it comes back."""
    family = HistogramMetricFamily(histogram.name, histogram.help, labels=histogram.labels)
    bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
    for labels, distribution in histogram.values.items():
        if labels in present:
            buckets = list(zip(bounds, distribution.cumulative(), strict=True))
            family.add_metric(labels, buckets, distribution.sum)
    return family
