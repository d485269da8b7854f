"""Least connections: the fewest leases per weight.

Leases are counted as they are, without the one to come: of idle backends the heaviest would
otherwise take every connection that ends before the next begins, where the (weighted)
round-robin among equals shares them out. nginx's `least_conn` does the same.
"""

from __future__ import annotations

from trio_balancer.policy.backend import Backend
from trio_balancer.policy.selectors.cheapest import Cheapest


class LeastConnections(Cheapest):
    """The fewest leases per weight."""

    def __init__(self) -> None:
        super().__init__(Backend.load_at)
