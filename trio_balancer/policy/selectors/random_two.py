"""Random-two: draw two, take the less loaded.

Almost as even as least-connections, but several balancers that know nothing of each other do
not all rush to the same backend. Source: Mitzenmacher, "The Power of Two Choices" (2001).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.selectors.weighted_random import draw

if TYPE_CHECKING:
    import random

    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress


class RandomTwo:
    """A selector by chance and load; the two are always different ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def choose(
        self,
        candidates: tuple[Backend, ...],
        client: SocketAddress,  # noqa: ARG002 - a selector is told who asks
        now: float,
    ) -> Backend:
        """Return the less loaded of two drawn by weight; of equals, the first drawn."""
        first = draw(candidates, now, self._rng)
        others = tuple([backend for backend in candidates if backend is not first])
        if not others:
            return first
        second = draw(others, now, self._rng)
        return second if second.load_at(now) < first.load_at(now) else first
