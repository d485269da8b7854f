from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.selectors.cheapest import Cheapest

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend
    from trio_balancer.wire.address import InetAddress


@given(costs=st.lists(st.floats(0, 100), min_size=1, max_size=8))
def test_nobody_is_cheaper_than_the_chosen(
    costs: list[float], backends: Callable[..., tuple[Backend, ...]], client: InetAddress
) -> None:
    among = backends(*[1] * len(costs))
    cost = dict(zip(among, costs, strict=True))
    selector = Cheapest(lambda backend, _now: cost[backend])
    assert cost[selector.choose(among, client, 0.0)] == min(costs)


def test_equals_take_turns_by_weight(
    backends: Callable[..., tuple[Backend, ...]], client: InetAddress
) -> None:
    among = backends(2, 1, 9)
    selector = Cheapest(lambda backend, _now: float(backend.name == "c"))
    assert "".join(selector.choose(among, client, 0.0).name for _ in range(6)) == "abaaba"
