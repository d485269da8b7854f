from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from trio_balancer.config.model import BackendConfig, Policy, WhenDown
from trio_balancer.config.model_health import CheckType, HealthConfig, Initial, OutlierConfig
from trio_balancer.policy import Admin, Change, Lease, Pool, State, Unavailable
from trio_balancer.policy.reload import MOST_DEPARTED
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.wire.address import InetAddress

    MakePool = Callable[..., Pool]
    Config = Callable[..., BackendConfig]


def reload(pool: Pool, *backends: BackendConfig, **settings: Any) -> list[str]:  # noqa: ANN401 - any setting may change
    """Reload with other backends or settings; return the names of those that left."""
    changed = attrs.evolve(pool.config, backends=backends or pool.config.backends, **settings)
    return [backend.name for backend in pool.reconfigure(changed, 100.0)]


def names(pool: Pool, client: InetAddress, count: int) -> str:
    found = [pool.lease(client, 100.0) for _ in range(count)]
    return "".join(lease.backend.name for lease in found if isinstance(lease, Lease))


def test_who_stays_keeps_everything(make_pool: MakePool, config: Config) -> None:
    pool = make_pool("a", "b")
    a, b = pool.backends
    a.leased, a.admin = 7, Admin.DRAIN
    assert reload(pool, config("c"), config("b"), config("a", weight=9)) == []
    assert [backend.name for backend in pool.backends] == ["c", "b", "a"]
    assert pool.backends[1:] == [b, a]
    assert (a.weight, a.leased, a.state) == (9, 7, State.DRAIN)


def test_who_leaves_is_returned_and_may_finish(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    pool = make_pool("a")
    lease = pool.lease(client, 1.0)
    assert isinstance(lease, Lease)
    assert reload(pool, config("b")) == ["a"]
    assert names(pool, client, 1) == "b"
    lease.give_back(101.0)
    assert lease.backend.active == 0


def test_who_left_is_not_ejected_any_more(make_pool: MakePool, config: Config) -> None:
    news: list[Change] = []
    pool = make_pool("a", "b", outlier=OutlierConfig(failures=1), notify=news.append)
    a, _b = pool.backends
    reload(pool, config("b"), config("c"))
    pool.dial_failed(a, 101.0, "refused", 0.1)
    assert not a.ejected
    assert news == []


def test_another_address_is_another_backend(make_pool: MakePool, config: Config) -> None:
    pool = make_pool("a")
    (old,) = pool.backends
    assert reload(pool, attrs.evolve(config("a"), address=inet_address("192.0.2.9", 1))) == ["a"]
    assert pool.backends[0] is not old


def test_the_turn_survives_and_a_new_policy_begins_anew(
    make_pool: MakePool, client: InetAddress
) -> None:
    pool = make_pool("a", "b", "c")
    assert names(pool, client, 1) == "a"
    reload(pool)
    assert names(pool, client, 1) == "b"
    reload(pool, policy=Policy.FIRST)
    assert names(pool, client, 2) == "aa"
    reload(pool, policy=Policy.ROUND_ROBIN)
    assert names(pool, client, 3) == "abc"


def test_many_reloads_leave_no_credit_behind(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    pool = make_pool("a", "b", "c")
    for number in range(200):
        names(pool, client, 1)
        reload(pool, config("a"), config("b"), config("cd"[number % 2]))
    assert sorted(names(pool, client, 9)) == list("aaabbbddd")


def test_a_newcomer_starts_slowly(make_pool: MakePool, config: Config) -> None:
    pool = make_pool("a", slow_start=10.0)
    reload(pool, config("a"), config("b"))
    a, b = pool.backends
    assert a.weight_at(100.0) == 1.0
    assert b.weight_at(100.0) == pytest.approx(0.1)


def test_a_newcomer_may_have_to_be_checked_first(make_pool: MakePool, config: Config) -> None:
    pool = make_pool("a", health=HealthConfig(initial=Initial.DOWN), slow_start=10.0)
    reload(pool, config("b"))
    assert pool.backends[0].state is State.DOWN


def test_checks_taken_away_bring_everybody_up(make_pool: MakePool) -> None:
    news: list[Change] = []
    pool = make_pool("a", notify=news.append)
    pool.check_failed(pool.backends[0], 1.0, "refused")
    reload(pool, health=HealthConfig(type=CheckType.NONE))
    assert [(change.after, change.reason) for change in news[1:]] == [
        (State.UP, "the configuration changed")
    ]


def test_the_same_health_settings_keep_the_count(make_pool: MakePool) -> None:
    pool = make_pool("a")
    pool.check_passed(pool.backends[0], 1.0)
    pool.check_failed(pool.backends[0], 2.0, "refused")
    reload(pool, slow_start=5.0)
    assert pool.backends[0].health.value == 3


def test_without_outlier_ejections_end(make_pool: MakePool) -> None:
    pool = make_pool("a", "b", outlier=OutlierConfig(failures=1))
    pool.dial_failed(pool.backends[0], 1.0, "refused", 0.1)
    reload(pool, outlier=None)
    assert pool.backends[0].state is State.UP


def test_panic_begins_at_once(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a")
    pool.check_failed(pool.backends[0], 1.0, "refused")
    assert pool.lease(client, 1.0) is Unavailable.DOWN
    reload(pool, when_down=WhenDown.PANIC)
    assert names(pool, client, 1) == "a"


def test_a_shorter_line_sends_nobody_away_and_new_slots_serve_it(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    pool = make_pool(config("a", max_connections=0))
    tickets = [
        pool.join(order, client, 1.0, tried=(), wake=lambda: None, held=False) for order in range(3)
    ]
    reload(pool, config("a", max_connections=1), queue_limit=1)
    assert [ticket is not None and ticket.lease is not None for ticket in tickets] == [
        True,
        False,
        False,
    ]
    assert len(pool.line) == 2
    assert pool.join(9, client, 1.0, tried=(), wake=lambda: None, held=False) is None


def test_a_pool_may_lose_all_its_backends(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a")
    pool.reconfigure(attrs.evolve(pool.config, backends=()), 100.0)
    assert pool.lease(client, 100.0) is Unavailable.DOWN


def test_who_comes_back_goes_on_counting(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    pool = make_pool("a", "b")
    lease = pool.lease(client, 1.0)
    assert isinstance(lease, Lease)
    a = lease.backend
    reload(pool, config("b"))
    assert (pool.departed, pool.active) == ([a], 1)
    reload(pool, config("a"), config("b"))
    assert (pool.backends[0], pool.departed, pool.active) == (a, [], 1)
    assert (a.active, a.leased) == (1, 1)
    lease.give_back(2.0)
    assert (a.active, pool.active) == (0, 0)


def test_those_who_left_long_ago_are_forgotten_without_connections(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    pool = make_pool("a")
    lease = pool.lease(client, 1.0)
    assert isinstance(lease, Lease)
    for number in range(MOST_DEPARTED + 5):
        reload(pool, config(f"b{number}"))
    assert len(pool.departed) == MOST_DEPARTED + 1
    assert pool.departed[0] is lease.backend
    assert pool.departed[1].name == "b4"


def test_a_check_that_comes_too_late_is_no_news(make_pool: MakePool, config: Config) -> None:
    news: list[Change] = []
    pool = make_pool("a", notify=news.append, health=HealthConfig(fall=1, rise=1))
    (a,) = pool.backends
    reload(pool, config("b"))
    pool.check_failed(a, 101.0, "refused")
    pool.check_passed(a, 102.0)
    assert (news, a.checks_failed, a.checks_passed) == ([], 0, 0)


def test_another_zone_is_another_backend(make_pool: MakePool) -> None:
    one, other = (
        BackendConfig("a", inet_address(f"fe80::1%{zone}", 80)) for zone in ("eth0", "eth1")
    )
    pool = make_pool(one)
    (backend,) = pool.backends
    reload(pool, other)
    assert pool.backends[0] is not backend
    assert pool.backends[0].address == one.address, "equality leaves the zone out"


def test_a_newcomer_s_first_check_decides_also_when_the_checks_are_new(
    make_pool: MakePool, config: Config
) -> None:
    pool = make_pool("a")
    reload(pool, config("a"), config("b"), health=HealthConfig(fall=3))
    reload(pool, config("a"), config("b"), config("c"), health=HealthConfig(fall=4))
    pool.check_failed(pool.backends[2], 101.0, "refused")
    assert [backend.state for backend in pool.backends] == [State.UP, State.UP, State.DOWN]
