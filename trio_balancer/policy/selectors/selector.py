"""What a selector is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress


class Selector(Protocol):
    """A way to choose. It never sees a backend that is down, full or already tried."""

    def choose(self, candidates: tuple[Backend, ...], client: SocketAddress, now: float) -> Backend:
        """Return one of the candidates: at least one, each with a weight above 0."""
