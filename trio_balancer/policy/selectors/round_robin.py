"""Smooth weighted round-robin, which is nginx's.

Before each choice every candidate earns its part of one choice, by weight; whoever has most is
chosen and pays for it. Over as many choices as the weights add up to, each is chosen exactly
its weight times, and heavy ones are spread out: weights 5, 1, 1 give a a b a c a a. Source:
nginx, `ngx_http_upstream_get_peer`.

nginx counts credit in weights; here it is in choices. With the same candidates this is the
same, but when they change (one is full, or away for an hour) a choice still costs what it
earned: nobody is favoured, and whoever comes back is owed what it was owed, about one choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress

# One choice, in the units of `Backend.credit`. Integers, because rounding would break ties
# between equal backends at random; so many that what is cut off never adds up to a choice.
_CHOICE = 1 << 40


class RoundRobin:
    """A selector by turns; the position is the credit that each backend itself carries."""

    def choose(
        self,
        candidates: tuple[Backend, ...],
        client: SocketAddress,  # noqa: ARG002 - a selector is told who asks
        now: float,
    ) -> Backend:
        """Return the candidate with the most credit; the first of equals."""
        weights = [backend.weight_at(now) for backend in candidates]
        per_weight = _CHOICE / sum(weights)
        best, price = candidates[0], 0
        for backend, weight in zip(candidates, weights, strict=True):
            earned = int(weight * per_weight)
            price += earned
            backend.credit += earned
            if backend.credit > best.credit:
                best = backend
        best.credit -= price
        return best
