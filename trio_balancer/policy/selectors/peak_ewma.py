"""Peak EWMA: the lowest expected connect time, given who else is being served.

The cost is Finagle's and Linkerd's: the connect time's estimate, times the leases with the one
to come, here also divided by the weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.selectors.cheapest import Cheapest

if TYPE_CHECKING:
    from trio_balancer.policy.backend import Backend


class PeakEwma(Cheapest):
    """The lowest product of connect time and load."""

    def __init__(self) -> None:
        super().__init__(_cost)


def _cost(backend: Backend, now: float) -> float:
    return backend.connect_ewma.at(now) * (backend.active + 1) / backend.weight_at(now)
