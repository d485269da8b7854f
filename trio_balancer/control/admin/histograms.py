"""Histograms of finished connections: times and bytes, at the price of a few additions each.

Source of the bounds: the times are Envoy's, thinned; the sizes are powers of eight.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from trio_balancer.flow.record import Record
    from trio_balancer.flow.statistics import BalancerStatistics

    #: Which values each combination of labels has, by the names of the labels.
    Present = Mapping["Labels", Collection["Labels"]]

Labels = tuple[str, ...]

#: Upper bounds, in seconds and in bytes.
SHORT_TIMES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LONG_TIMES = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
SIZES = (64.0, 512.0, 4096.0, 32768.0, 262144.0, 2097152.0, 16777216.0, 134217728.0, 1073741824.0)


#: Label values that a histogram remembers after what they name has left.
MOST_DEPARTED = 1000


@attrs.define(eq=False)
class Distribution:
    """How many values lie in each bucket; the last one has no upper bound."""

    counts: list[int]
    sum: float = 0.0

    def cumulative(self) -> list[int]:
        """Count the values up to each bound, and all of them."""
        total = 0
        return [total := total + count for count in self.counts]


@attrs.define(eq=False)
class Histogram:
    """A distribution for each combination of labels, which the configuration bounds."""

    name: str
    help: str
    labels: Labels
    bounds: Sequence[float]
    values: dict[Labels, Distribution] = attrs.Factory(dict)

    def add(self, labels: Labels, value: float) -> None:
        """Count a value."""
        distribution = self.values.get(labels)
        if distribution is None:
            distribution = self.values[labels] = Distribution([0] * (len(self.bounds) + 1))
        distribution.counts[bisect_left(self.bounds, value)] += 1
        distribution.sum += value

    def settle(self, present: Collection[Labels]) -> None:
        """Forget who left long ago, or reloads would make them ever more.

        Who left lately goes on counting where it comes back: a counter never goes backwards.
        """
        gone = [labels for labels in self.values if labels not in present]
        there = [labels for labels in self.values if labels in present]
        self.values = {labels: self.values[labels] for labels in (*gone[-MOST_DEPARTED:], *there)}


def _histogram(name: str, text: str, labels: Labels, bounds: Sequence[float]) -> Histogram:
    return Histogram(f"trio_balancer_{name}", text, labels, bounds)


@attrs.define(eq=False)
class Histograms:
    """All histograms; `add` is an observer of the balancer.

    A queue has no backend yet, and a connection's size and duration are its listener's.
    """

    queue: Histogram = attrs.Factory(
        lambda: _histogram(
            "queue_time_seconds",
            "From accept until a backend was chosen.",
            ("pool",),
            SHORT_TIMES,
        )
    )
    connect: Histogram = attrs.Factory(
        lambda: _histogram(
            "connect_time_seconds",
            "Time that the dial of a backend took.",
            ("pool", "backend"),
            SHORT_TIMES,
        )
    )
    total: Histogram = attrs.Factory(
        lambda: _histogram(
            "connection_time_seconds",
            "From accept to the end of a connection.",
            ("listener",),
            LONG_TIMES,
        )
    )
    up: Histogram = attrs.Factory(
        lambda: _histogram(
            "connection_up_bytes",
            "Bytes of a connection from the client to the backend.",
            ("listener",),
            SIZES,
        )
    )
    down: Histogram = attrs.Factory(
        lambda: _histogram(
            "connection_down_bytes",
            "Bytes of a connection from the backend to the client.",
            ("listener",),
            SIZES,
        )
    )

    def all(self) -> tuple[Histogram, ...]:
        """Return each histogram."""
        return (self.queue, self.connect, self.total, self.up, self.down)

    def add(self, record: Record) -> None:
        """Count a finished connection."""
        listener = (record.listener,)
        self.total.add(listener, record.total_time)
        self.up.add(listener, record.bytes_up)
        self.down.add(listener, record.bytes_down)
        if record.pool is None:
            return
        if record.queue_time is not None:
            self.queue.add((record.pool,), record.queue_time)
        if record.connect_time is not None and record.backend is not None:
            self.connect.add((record.pool, record.backend), record.connect_time)

    def settle(self, present: Present) -> None:
        """Forget who left long ago; to be called when somebody may have come or left."""
        for histogram in self.all():
            histogram.settle(present[histogram.labels])


def present_labels(statistics: BalancerStatistics) -> Present:
    """Return the labels of all that is there, which are the ones to be told."""
    pools = statistics.pools
    return {
        ("listener",): {(listener.name,) for listener in statistics.listeners},
        ("pool",): {(pool.name,) for pool in pools},
        ("pool", "backend"): {
            (pool.name, backend.name) for pool in pools for backend in pool.backends
        },
    }
