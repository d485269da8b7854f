"""Source-hash: the same client goes to the same backend, as long as that one serves.

Weighted rendezvous hashing: every backend makes the client a bid, and the highest wins. When
one of n backends goes, only its clients move, each to the next in its own order; a new one
takes about 1/n of everybody's. Sources: Thaler and Ravishankar, "Using name-based mappings to
increase hit rates" (1998); for the weights Schindelhauer and Schomaker, "Weighted distributed
hash tables" (2005).

Slow start has no say here: it would move clients twice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trio_balancer.policy.hashing import client_hash, mix

if TYPE_CHECKING:
    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress

# 52 bits and a half fit into a float exactly, so the fraction is never 0 and never 1.
_FRACTION_BITS = 52
_WHOLE = 1 << _FRACTION_BITS


class SourceHash:
    """A selector by the client's IP address; it needs no memory."""

    def choose(
        self,
        candidates: tuple[Backend, ...],
        client: SocketAddress,
        now: float,  # noqa: ARG002 - a selector is told the time
    ) -> Backend:
        """Return the candidate with the client's highest bid."""
        bits = client_hash(client)
        return max(candidates, key=lambda backend: _bid(backend, bits))


def _bid(backend: Backend, client: int) -> float:
    fraction = ((mix(client ^ backend.seed) >> (64 - _FRACTION_BITS)) + 0.5) / _WHOLE
    return backend.weight / -math.log(fraction)
