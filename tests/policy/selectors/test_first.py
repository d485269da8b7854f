from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.selectors import First

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress


def test_the_first_is_taken_however_loaded(
    backends: Callable[..., tuple[Backend, ...]], client: InetAddress
) -> None:
    among = backends(1, 9)
    among[0].active = 50
    assert First().choose(among, client, 0.0) is among[0]
