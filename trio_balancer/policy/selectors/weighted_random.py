"""Random: each in proportion to its weight, with no memory at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress


class WeightedRandom:
    """A selector by chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def choose(
        self,
        candidates: tuple[Backend, ...],
        client: SocketAddress,  # noqa: ARG002 - a selector is told who asks
        now: float,
    ) -> Backend:
        """Return any candidate, by weight."""
        return draw(candidates, now, self._rng)


def draw(candidates: tuple[Backend, ...], now: float, rng: random.Random) -> Backend:
    """Draw one candidate by weight."""
    weights = [backend.weight_at(now) for backend in candidates]
    return rng.choices(candidates, weights)[0]
