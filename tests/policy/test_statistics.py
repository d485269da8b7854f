from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from trio_balancer.config.model import Policy
from trio_balancer.config.model_health import HealthConfig, OutlierConfig
from trio_balancer.policy import Admin, LastCheck, Lease, Pool, State
from trio_balancer.policy.statistics import forget_counts, forget_peaks

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.config.model import BackendConfig
    from trio_balancer.wire.address import InetAddress

    MakePool = Callable[..., Pool]


def test_a_pool_and_its_line(
    make_pool: MakePool, config: Callable[..., BackendConfig], client: InetAddress
) -> None:
    pool = make_pool(config("a", max_connections=1), policy=Policy.FIRST, queue_limit=2)
    pool.lease(client, 0.0)
    for order in range(3):
        pool.join(order, client, 1.0, tried=(), wake=lambda: None, held=order == 1)
    seen = attrs.asdict(pool.statistics(2.0), recurse=False)
    assert len(seen.pop("backends")) == 1
    assert seen == {
        "name": "app",
        "policy": Policy.FIRST,
        "active": 1,
        "queued": 1,
        "held": 1,
        "queue_limit": 2,
        "queue_peak": 2,
        "queue_joined": 2,
        "queue_refused": 1,
    }


def test_a_backend_through_its_life(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", outlier=OutlierConfig(failures=1), slow_start=10.0)
    backend = pool.backends[0]
    pool.dial_failed(backend, 10.0, "refused", 0.1)
    seen = pool.statistics(15.0).backends[0]
    assert (seen.state, seen.ejected, seen.ejection_ends_in) == (State.DOWN, True, 25.0)
    assert (seen.in_state_for, seen.downtime, seen.ejections) == (5.0, 5.0, 1)
    assert seen.reason == "ejected after 1 failure: refused"
    pool.end_ejections(40.0)
    seen = pool.statistics(45.0).backends[0]
    assert (seen.state, seen.ejected, seen.ejection_ends_in) == (State.UP, False, None)
    assert (seen.in_state_for, seen.downtime, seen.times_down) == (5.0, 30.0, 1)
    assert seen.weight == 1
    assert seen.effective_weight == pytest.approx(0.55)


def test_an_ejection_that_is_overdue_ends_in_no_time(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", outlier=OutlierConfig(failures=1))
    pool.dial_failed(pool.backends[0], 0.0, "refused", 0.1)
    assert pool.statistics(1000.0).backends[0].ejection_ends_in == 0.0


def test_a_snapshot_does_not_move(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a")
    before = pool.statistics(1.0)
    pool.lease(client, 2.0)
    pool.set_admin(pool.backends[0], Admin.DRAIN, 2.0)
    after = pool.statistics(2.0)
    assert (before.active, before.backends[0].admin) == (0, Admin.READY)
    assert (after.active, after.backends[0].admin) == (1, Admin.DRAIN)


def test_the_weight_that_holds_and_that_of_the_file(make_pool: MakePool) -> None:
    pool = make_pool("a")
    pool.set_weight(pool.backends[0], 7, 1.0)
    seen = pool.statistics(1.0).backends[0]
    assert (seen.weight, seen.configured_weight) == (7, 1)


def test_the_last_check(make_pool: MakePool) -> None:
    pool = make_pool("a")
    assert pool.statistics(1.0).backends[0].last_check is None
    last = LastCheck(passed=False, detail="refused", duration=0.1, at=3.0)
    pool.backends[0].last_check = last
    assert pool.statistics(4.0).backends[0].last_check is last


def test_peaks_are_forgotten_and_then_counts(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a")
    leases = [pool.lease(client, 1.0) for _ in range(3)]
    for lease in leases[:2]:
        assert isinstance(lease, Lease)
        lease.give_back(2.0)
    forget_peaks(pool)
    seen = pool.statistics(3.0).backends[0]
    assert (seen.peak_active, seen.active, seen.leased) == (1, 1, 3)
    pool.dial_failed(pool.backends[0], 4.0, "refused", 0.1)
    pool.check_failed(pool.backends[0], 5.0, "refused")
    forget_counts(pool)
    seen = pool.statistics(6.0).backends[0]
    assert (seen.leased, seen.dial_failures, seen.checks_failed, seen.active) == (0, 0, 0, 1)


def test_the_operators_word_for_the_checks(make_pool: MakePool) -> None:
    pool = make_pool("a", health=HealthConfig())
    backend = pool.backends[0]
    pool.set_health(backend, 1.0, up=False)
    seen = pool.statistics(1.0).backends[0]
    assert (seen.state, seen.reason, seen.checks_failed) == (
        State.DOWN,
        "set down by the operator",
        0,
    )
    pool.set_health(backend, 2.0, up=True)
    seen = pool.statistics(2.0).backends[0]
    assert (seen.state, seen.health) == (State.UP, seen.rise + seen.fall - 1)
