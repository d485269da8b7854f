"""How many connections each backend should have, if they could all be dealt out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.policy.backend import Backend


def fair_shares(backends: Iterable[Backend], total: int, now: float) -> dict[Backend, float]:
    """Deal `total` connections out by weight, to each backend as far as its limit goes.

    What one cannot take goes to the others; what nobody can take is nobody's.
    """
    weights = {backend: backend.weight_at(now) for backend in backends}
    shares: dict[Backend, float] = {}
    left = float(total)
    while weights:
        per_weight = left / sum(weights.values())
        full = [backend for backend in weights if weights[backend] * per_weight > backend.limit]
        if not full:
            return shares | {backend: weight * per_weight for backend, weight in weights.items()}
        for backend in full:
            del weights[backend]
            shares[backend] = backend.limit
            left -= backend.limit
    return shares
