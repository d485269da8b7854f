"""The numbers that HAProxy gives its frontends, backends and servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.balancer import Balancer

# HAProxy keeps number 1 for itself.
_FIRST = 2


def listener_ids(balancer: Balancer) -> Mapping[str, int]:
    """Give the listeners numbers, in the order of the file; a reload may number them anew."""
    return {name: number for number, name in enumerate(balancer.gates, _FIRST)}


def pool_ids(balancer: Balancer) -> Mapping[str, int]:
    """Give the pools numbers, which come after all listeners."""
    first = _FIRST + len(balancer.gates)
    return {name: number for number, name in enumerate(balancer.runtime.pools, first)}
