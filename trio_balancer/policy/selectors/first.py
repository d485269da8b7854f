"""First: fill one backend up before the next is used, so that the last ones can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trio_balancer.policy.backend import Backend
    from trio_balancer.wire.address import SocketAddress


class First:
    """A selector by the file's order."""

    def choose(
        self,
        candidates: tuple[Backend, ...],
        client: SocketAddress,  # noqa: ARG002 - a selector is told who asks
        now: float,  # noqa: ARG002 - and when
    ) -> Backend:
        """Return the first candidate."""
        return candidates[0]
