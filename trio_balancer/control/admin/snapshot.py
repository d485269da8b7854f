"""All that a scrape tells, at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from trio_balancer.control.haproxy.info import info_values
from trio_balancer.control.haproxy.stat_rows import stat_rows
from trio_balancer.control.history import ReloadHistory
from trio_balancer.flow.statistics import BalancerStatistics
from trio_balancer.wire.haproxy_fields import Value
from trio_balancer.wire.haproxy_stats import StatRow

if TYPE_CHECKING:
    from trio_balancer.control.operations import Operations


@attrs.frozen
class Snapshot:
    """What HAProxy would tell, as its rows and values, and what it knows nothing of."""

    rows: Sequence[StatRow]
    info: Mapping[str, Value]
    statistics: BalancerStatistics
    reloads: ReloadHistory
    ready: bool


def take_snapshot(operations: Operations) -> Snapshot:
    """Take it."""
    balancer = operations.balancer
    return Snapshot(
        rows=stat_rows(balancer),
        info=info_values(balancer),
        statistics=balancer.statistics(),
        reloads=attrs.evolve(operations.reloads),
        ready=balancer.ready,
    )
