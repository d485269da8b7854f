from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.selectors import Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress, SocketAddress


class Last(Selector):
    """A selector of one's own needs `choose` and nothing else."""

    def choose(
        self,
        candidates: tuple[Backend, ...],
        client: SocketAddress,
        now: float,
    ) -> Backend:
        return candidates[-1]


def test_a_selector_is_whatever_chooses(
    backends: Callable[..., tuple[Backend, ...]], client: InetAddress
) -> None:
    among = backends(1, 1)
    assert Last().choose(among, client, 0.0) is among[1]
