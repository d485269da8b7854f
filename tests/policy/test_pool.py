from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import pytest

from trio_balancer.config.model import Policy, WhenDown
from trio_balancer.config.model_health import HealthConfig, OutlierConfig
from trio_balancer.policy import Admin, Backend, Change, Lease, Pool, State, Unavailable
from trio_balancer.policy.connect_time import PENALTY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trio_balancer.config.model import BackendConfig
    from trio_balancer.wire.address import InetAddress

    MakePool = Callable[..., Pool]
    Config = Callable[..., BackendConfig]


def leased(pool: Pool, client: InetAddress, tried: Collection[Backend] = ()) -> Lease:
    lease = pool.lease(client, 1.0, tried)
    assert isinstance(lease, Lease)
    return lease


@pytest.fixture
def single(make_pool: MakePool, config: Config) -> Pool:
    """Return a pool of one backend for one connection."""
    return make_pool(config("a", max_connections=1), queue_limit=3)


# Leases


def test_a_lease_is_counted_at_once(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", "b")
    leases = [leased(pool, client) for _ in range(3)]
    assert [backend.active for backend in pool.backends] == [2, 1]
    assert pool.active == 3
    for lease in leases:
        lease.give_back(2.0)
    assert pool.active == 0


@pytest.mark.parametrize("policy", Policy)
def test_every_policy_avoids_the_tried_the_full_and_the_down(
    make_pool: MakePool, config: Config, client: InetAddress, policy: Policy
) -> None:
    pool = make_pool("a", config("b", max_connections=1), "c", "d", policy=policy)
    a, b, c, d = pool.backends
    b.active = 1
    pool.set_admin(c, Admin.MAINTENANCE, 0.0)
    assert leased(pool, client, [a]).backend is d


def test_down_and_full(single: Pool, client: InetAddress) -> None:
    leased(single, client)
    assert single.lease(client, 1.0) is Unavailable.FULL
    single.set_admin(single.backends[0], Admin.DRAIN, 1.0)
    assert single.lease(client, 1.0) is Unavailable.DOWN


def test_a_lone_backend_is_tried_again(single: Pool, client: InetAddress) -> None:
    assert leased(single, client, single.backends).backend is single.backends[0]


def test_all_are_tried_only_while_somebody_serves(make_pool: MakePool) -> None:
    pool = make_pool("a", "b")
    first, second = pool.backends
    assert not pool.all_tried({first})
    assert pool.all_tried({first, second})
    pool.set_admin(second, Admin.DRAIN, 1.0)
    assert pool.all_tried({first})
    pool.set_admin(first, Admin.DRAIN, 1.0)
    assert not pool.all_tried({first, second})


def test_panic_ignores_checks_and_ejection(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", "b", when_down=WhenDown.PANIC, outlier=OutlierConfig(failures=1))
    a, b = pool.backends
    pool.check_failed(a, 1.0, "refused")
    assert leased(pool, client).backend is b
    pool.dial_failed(b, 1.0, "refused", 0.1)
    assert pool.lease(client, 1.0) is not Unavailable.DOWN
    pool.set_admin(b, Admin.MAINTENANCE, 1.0)
    assert leased(pool, client).backend is a


# Changes of state


def test_every_visible_change_is_told_once(make_pool: MakePool) -> None:
    news: list[Change] = []
    pool = make_pool("a", notify=news.append, health=HealthConfig(rise=2))
    (a,) = pool.backends
    pool.check_passed(a, 1.0)
    for now in (2.0, 3.0, 4.0, 5.0):
        pool.check_failed(a, now, "Connection refused")
    pool.check_passed(a, 6.0, "connected")
    pool.check_passed(a, 7.0, "connected")
    pool.set_admin(a, Admin.MAINTENANCE, 8.0)
    assert [attrs.astuple(change, recurse=False) for change in news] == [
        ("app", a, State.UP, State.DOWN, "Connection refused", "", 4.0),
        ("app", a, State.DOWN, State.UP, "passed its checks", "connected", 7.0),
        ("app", a, State.UP, State.MAINTENANCE, "set to maintenance by the operator", "", 8.0),
    ]
    assert (a.checks_passed, a.checks_failed, a.times_down, a.downtime) == (3, 4, 1, 3.0)


def test_slow_start_begins_with_coming_up(make_pool: MakePool) -> None:
    pool = make_pool("a", slow_start=10.0)
    (a,) = pool.backends
    assert a.weight_at(0.0) == 1.0
    pool.set_admin(a, Admin.MAINTENANCE, 1.0)
    pool.set_admin(a, Admin.READY, 2.0)
    assert a.weight_at(2.0) == pytest.approx(0.1)


# Dials and ejections

OUTLIER = OutlierConfig(failures=2, ejection=30.0)


def fail(pool: Pool, backend: Backend, now: float, times: int = 2) -> None:
    for _ in range(times):
        pool.dial_failed(backend, now, "refused", 0.1)


def test_dials_feed_the_estimate_and_the_counts(make_pool: MakePool) -> None:
    pool = make_pool("a")
    (a,) = pool.backends
    pool.dial_succeeded(a, 1.0, 0.2)
    assert (a.dials, a.connect_ewma.at(1.0)) == (1, 0.2)
    pool.dial_failed(a, 1.0, "refused", 0.1)
    assert (a.dial_failures, a.connect_ewma.at(1.0)) == (1, PENALTY)


def test_failures_in_a_row_eject(make_pool: MakePool, client: InetAddress) -> None:
    news: list[Change] = []
    pool = make_pool("a", "b", outlier=OUTLIER, notify=news.append)
    a, b = pool.backends
    pool.dial_failed(a, 1.0, "refused", 0.1)
    pool.reset_before_first_byte(a, 2.0)
    assert (a.ejected, a.state, a.resets) == (True, State.DOWN, 1)
    assert pool.next_ejection_end() == 32.0
    assert {leased(pool, client).backend for _ in range(4)} == {b}
    pool.check_passed(a, 3.0)
    pool.end_ejections(31.9)
    assert a.ejected
    pool.end_ejections(32.0)
    assert pool.next_ejection_end() == math.inf
    assert [change.reason for change in news] == [
        "ejected after 2 failures in a row: connection reset before the first byte",
        "its ejection ended",
    ]


def test_only_a_served_connection_ends_the_row(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", outlier=OUTLIER)
    a, _b = pool.backends
    fail(pool, a, 1.0, times=1)
    pool.dial_succeeded(a, 1.0, 0.1)
    pool.first_byte(a)
    fail(pool, a, 1.0, times=1)
    assert not a.ejected
    pool.dial_succeeded(a, 1.0, 0.1)
    fail(pool, a, 1.0, times=1)
    assert a.ejected


def test_late_failures_do_not_lengthen_an_ejection(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", outlier=OUTLIER)
    a, _b = pool.backends
    fail(pool, a, 1.0)
    fail(pool, a, 20.0)
    assert pool.next_ejection_end() == 31.0
    pool.end_ejections(31.0)
    fail(pool, a, 40.0, times=1)
    assert not a.ejected


def test_the_cap_keeps_the_others_and_counts_on(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", "c", outlier=OUTLIER)
    a, b, _c = pool.backends
    fail(pool, a, 1.0)
    fail(pool, b, 1.0, times=5)
    assert (a.ejected, b.ejected) == (True, False)
    pool.end_ejections(31.0)
    fail(pool, b, 31.0, times=1)
    assert b.ejected


def test_a_lone_backend_is_never_ejected(make_pool: MakePool) -> None:
    pool = make_pool("a", outlier=OUTLIER)
    fail(pool, pool.backends[0], 1.0, times=9)
    assert not pool.backends[0].ejected


def test_who_is_down_anyway_is_not_ejected(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", outlier=OUTLIER)
    pool.check_failed(pool.backends[0], 1.0, "refused")
    fail(pool, pool.backends[0], 1.0)
    assert not pool.backends[0].ejected


def test_without_outlier_nobody_is_ejected(make_pool: MakePool) -> None:
    pool = make_pool("a", "b")
    fail(pool, pool.backends[0], 1.0, times=9)
    assert pool.backends[0].state is State.UP


def test_weight_0_is_given_nothing_new(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", "b")
    pool.set_weight(pool.backends[0], 0, 1.0)
    assert pool.serving() == (pool.backends[1],)
    pool.set_weight(pool.backends[1], 0, 1.0)
    assert pool.serving() == ()
    assert pool.lease(client, 1.0) is Unavailable.DOWN


def test_fading_out_it_is_up_and_gets_less(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", "b")
    a, b = pool.backends
    assert pool.fade_out(a, 10.0, 0.0) is a.fade_out
    for _ in range(30):
        pool.lease(client, 5.0)
    assert (a.state, a.active, b.active) == (State.UP, 10, 20)
    pool.set_admin(a, Admin.READY, 6.0)
    assert a.fade_out is None


def test_who_a_client_belongs_to(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", "b", "c", policy=Policy.SOURCE_HASH)
    lease = pool.lease(client, 0.0)
    assert isinstance(lease, Lease)
    assert pool.preferred(client, 0.0) is lease.backend
    for backend in pool.backends:
        pool.set_admin(backend, Admin.DRAIN, 0.0)
    assert pool.preferred(client, 0.0) is None
    assert make_pool("a").preferred(client, 0.0) is None
