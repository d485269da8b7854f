"""Choose whoever costs least; among equals, round-robin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.selectors.round_robin import RoundRobin

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress


class Cheapest:
    """A selector by `cost(backend, now)`."""

    def __init__(self, cost: Callable[[Backend, float], float]) -> None:
        self._cost = cost
        self._among_equals = RoundRobin()

    def choose(self, candidates: tuple[Backend, ...], client: SocketAddress, now: float) -> Backend:
        """Return a candidate of the lowest cost."""
        costs = [self._cost(backend, now) for backend in candidates]
        lowest = min(costs)
        equals = tuple([b for b, cost in zip(candidates, costs, strict=True) if cost == lowest])
        return equals[0] if len(equals) == 1 else self._among_equals.choose(equals, client, now)
