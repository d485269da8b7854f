from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trio_balancer.policy.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend


def test_a_lease_counts_until_it_is_given_back(
    backends: Callable[..., tuple[Backend, ...]],
) -> None:
    (backend,) = backends(1)
    freed: list[float] = []
    first = Lease.take(backend, freed.append)
    second = Lease.take(backend, freed.append)
    assert backend.active == 2
    first.give_back(3.0)
    second.give_back(4.0)
    assert freed == [3.0, 4.0]
    assert (backend.active, backend.peak_active, backend.leased) == (0, 2, 2)


def test_giving_back_twice_is_a_bug_and_changes_nothing(
    backends: Callable[..., tuple[Backend, ...]],
) -> None:
    (backend,) = backends(1)
    freed: list[float] = []
    lease = Lease.take(backend, freed.append)
    lease.give_back(1.0)
    with pytest.raises(RuntimeError, match="a lease of backend 'a' was given back twice"):
        lease.give_back(2.0)
    assert backend.active == 0
    assert freed == [1.0]
