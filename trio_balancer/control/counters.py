"""Forget the highest values, or all counts: only ever because an operator wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.flow.listener import Totals
from trio_balancer.policy.statistics import forget_counts, forget_peaks

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer


def clear_peaks(balancer: Balancer) -> None:
    """Begin to look for the highest values anew."""
    runtime = balancer.runtime
    for totals in (runtime.totals, *(gate.listener.totals for gate in balancer.gates.values())):
        totals.clear_peaks()
    runtime.meters.clear_peaks()
    for pool in runtime.pools.values():
        forget_peaks(pool)


def clear_all(balancer: Balancer) -> None:
    """Count everything anew; what is there now stays counted as being there."""
    runtime = balancer.runtime
    runtime.totals = Totals()
    for gate in balancer.gates.values():
        gate.listener.totals = Totals()
    runtime.meters.clear()
    for pool in runtime.pools.values():
        forget_peaks(pool)
        forget_counts(pool)
