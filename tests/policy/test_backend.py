from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from trio_balancer.config.model import BackendConfig, PoolConfig
from trio_balancer.config.model_health import HealthConfig, Initial, OutlierConfig
from trio_balancer.policy import Admin, Backend, State
from trio_balancer.policy.fade_out import FadeOut
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIG = BackendConfig("a", inet_address("192.0.2.1", 80), 3, 20, backup=True)


@pytest.fixture
def backend() -> Backend:
    return Backend.start(PoolConfig("app", (CONFIG,), slow_start=10.0), CONFIG, 5.0)


def test_it_says_what_the_file_says(backend: Backend) -> None:
    assert (backend.pool, backend.name, backend.address) == ("app", "a", CONFIG.address)
    assert (backend.weight, backend.max_connections, backend.backup) == (3, 20, True)


def test_a_new_one_is_up_without_a_reason(backend: Backend) -> None:
    assert (backend.state, backend.reason, backend.changed_at) == (State.UP, "", 5.0)


def test_a_new_one_may_also_be_down() -> None:
    pool = PoolConfig("app", (CONFIG,), health=HealthConfig(initial=Initial.DOWN))
    backend = Backend.start(pool, CONFIG, 0.0)
    assert (backend.state, backend.reason) == (State.DOWN, "not checked yet")


def test_the_operator_comes_first_then_checks_then_clients(backend: Backend) -> None:
    backend.ejection.begin(OutlierConfig(), 0.0, "refused")
    seen = [(backend.state, backend.reason)]
    backend.health.failed()
    backend.check_reason = "timed out"
    seen.append((backend.state, backend.reason))
    for admin in (Admin.DRAIN, Admin.MAINTENANCE):
        backend.admin = admin
        seen.append((backend.state, backend.reason))
    assert seen == [
        (State.DOWN, "ejected after 0 failures in a row: refused"),
        (State.DOWN, "timed out"),
        (State.DRAIN, "set to drain by the operator"),
        (State.MAINTENANCE, "set to maintenance by the operator"),
    ]


def test_weight_zero_and_the_operators_wish_refuse_anything_new(
    backends: Callable[..., tuple[Backend, ...]],
) -> None:
    some, none = backends(1, 0)
    assert (some.willing, none.willing) == (True, False)
    some.admin = Admin.DRAIN
    assert not some.willing


def test_no_limit_is_never_reached(backends: Callable[..., tuple[Backend, ...]]) -> None:
    (backend,) = backends(1)
    backend.active = 10**9
    assert backend.max_connections is None
    assert backend.active < backend.limit


def test_weight_and_load_in_slow_start(backend: Backend) -> None:
    backend.active = 3
    assert (backend.weight_at(0.0), backend.load_at(0.0)) == (3, 1.0)
    backend.slow_start.begin(0.0)
    assert backend.weight_at(0.0) == pytest.approx(0.3)
    assert backend.load_at(0.0) == pytest.approx(10.0)


def test_the_history_of_its_states(backend: Backend) -> None:
    backend.health.failed()
    backend.state_changed(State.UP, 10.0, "")
    assert (backend.times_down, backend.changed_at) == (1, 10.0)
    backend.health.passed()
    backend.health.passed()
    backend.state_changed(State.DOWN, 14.0, "passed its checks")
    assert (backend.downtime, backend.reason) == (4.0, "passed its checks")
    assert backend.slow_start.end == 24.0
    backend.admin = Admin.DRAIN
    backend.state_changed(State.UP, 15.0, "")
    assert (backend.times_down, backend.downtime) == (1, 4.0)


def test_what_an_operator_has_set_lasts_until_the_file_s_own_value_changes(
    backend: Backend,
) -> None:
    backend.weight = 9
    backend.set_max_connections(None)
    backend.configure(CONFIG)
    assert (backend.weight, backend.max_connections) == (9, None)
    backend.configure(attrs.evolve(CONFIG, weight=4))
    assert (backend.weight, backend.max_connections) == (4, None)
    backend.configure(attrs.evolve(CONFIG, weight=4, max_connections=7))
    assert (backend.weight, backend.max_connections, backend.limit) == (4, 7, 7)


def test_fading_out_it_weighs_less(backend: Backend) -> None:
    backend.fade_out = FadeOut(10.0, 110.0)
    assert backend.weight_at(105.0) == pytest.approx(1.5)
    backend.slow_start.begin(105.0)
    assert backend.weight_at(105.0) == pytest.approx(0.15)


def test_who_comes_back_is_a_stranger_with_a_past(backend: Backend) -> None:
    backend.active, backend.leased, backend.dials, backend.times_down = 2, 30, 31, 4
    backend.admin, backend.weight, backend.credit = Admin.MAINTENANCE, 99, 12
    backend.fade_out = FadeOut(1.0, 2.0)
    backend.ejection.begin(OutlierConfig(), 1.0, "refused")
    backend.health.failed()
    pool = PoolConfig("app", (CONFIG,), health=HealthConfig(initial=Initial.UP))
    backend.come_back(pool, CONFIG, 50.0)
    assert (backend.active, backend.leased, backend.dials, backend.times_down) == (2, 30, 31, 4)
    assert backend.ejection.total == 1
    assert (backend.state, backend.weight, backend.credit) == (State.UP, 3, 0)
    assert (backend.reason, backend.changed_at) == ("", 50.0)
    assert backend.weight_at(50.0) == 3
