"""The line of a pool: who is served, when, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from trio_balancer.config.model import WhenDown
from trio_balancer.config.model_health import HealthConfig, OutlierConfig
from trio_balancer.policy import Admin, Backend, Lease, Pool, Ticket, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trio_balancer.config.model import BackendConfig
    from trio_balancer.wire.address import InetAddress

    MakePool = Callable[..., Pool]
    Config = Callable[..., BackendConfig]


@attrs.define
class Waiter:
    """A connection in the line: how often it was woken, and its ticket."""

    woken: int = 0
    ticket: Ticket | None = None

    def wake(self) -> None:
        self.woken += 1


class Line:
    """Joins waiters to a pool's line in the order 1, 2, 3, … unless told otherwise."""

    def __init__(self, pool: Pool, client: InetAddress) -> None:
        self.pool, self.client, self.arrived = pool, client, 0

    def join(
        self, order: int = 0, *, held: bool = False, tried: Collection[Backend] = ()
    ) -> Waiter:
        self.arrived += 1
        waiter = Waiter()
        waiter.ticket = self.pool.join(
            order or self.arrived, self.client, 1.0, tried=tried, wake=waiter.wake, held=held
        )
        return waiter


def leased(pool: Pool, client: InetAddress, tried: Collection[Backend] = ()) -> Lease:
    lease = pool.lease(client, 1.0, tried)
    assert isinstance(lease, Lease)
    return lease


def served_by(waiter: Waiter) -> str:
    """Return the backend that a woken waiter was given, or "" for one that still waits."""
    assert waiter.ticket is not None
    assert waiter.woken == (waiter.ticket.lease is not None)
    return waiter.ticket.lease.backend.name if waiter.ticket.lease else ""


@pytest.fixture
def single(make_pool: MakePool, config: Config) -> Pool:
    """Return a pool of one backend for one connection."""
    return make_pool(config("a", max_connections=1), queue_limit=3)


def test_first_come_first_served(single: Pool, client: InetAddress) -> None:
    lease, line = leased(single, client), Line(single, client)
    first, second = line.join(), line.join()
    lease.give_back(2.0)
    assert (served_by(first), served_by(second)) == ("a", "")
    assert single.lease(client, 2.0) is Unavailable.FULL
    assert first.ticket is not None
    handed = first.ticket.take()
    assert handed is not None
    handed.give_back(3.0)
    assert served_by(second) == "a"
    assert (single.active, len(single.line)) == (1, 0)


def test_who_comes_back_keeps_its_place(single: Pool, client: InetAddress) -> None:
    lease, line = leased(single, client), Line(single, client)
    late, early = line.join(8), line.join(5)
    assert early.ticket is not None
    assert early.ticket.position == 1
    lease.give_back(2.0)
    assert (served_by(early), served_by(late)) == ("a", "")


def test_the_line_has_a_limit_for_queued_and_held_together(
    single: Pool, client: InetAddress
) -> None:
    leased(single, client)
    line = Line(single, client)
    tickets = [line.join(held=held).ticket for held in (False, True, False, False)]
    assert tickets[:3].count(None) == 0
    assert tickets[3] is None


def test_what_became_free_before_joining_is_handed_over(single: Pool, client: InetAddress) -> None:
    assert served_by(Line(single, client).join()) == "a"


def test_leaving_makes_room_and_may_be_repeated(single: Pool, client: InetAddress) -> None:
    lease, line = leased(single, client), Line(single, client)
    first, second = line.join(), line.join()
    for _ in range(2):
        assert first.ticket is not None
        single.leave(first.ticket)
    lease.give_back(2.0)
    assert (served_by(first), served_by(second)) == ("", "a")


def test_leaving_gives_an_untaken_lease_to_the_next(single: Pool, client: InetAddress) -> None:
    lease, line = leased(single, client), Line(single, client)
    first, second = line.join(), line.join()
    lease.give_back(2.0)
    assert first.ticket is not None
    single.leave(first.ticket)
    assert served_by(second) == "a"
    assert single.active == 1


def test_leaving_keeps_a_lease_that_was_taken(single: Pool, client: InetAddress) -> None:
    waiter = Line(single, client).join()
    assert waiter.ticket is not None
    lease = waiter.ticket.take()
    single.leave(waiter.ticket)
    assert lease is not None
    assert single.active == 1
    lease.give_back(2.0)
    assert single.active == 0


def test_who_waits_for_another_backend_holds_nobody_up(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    one = [config(name, max_connections=1) for name in "ab"]
    pool = make_pool(*one)
    a, b = pool.backends
    line, on_a, on_b = Line(pool, client), leased(pool, client), leased(pool, client)
    waits_for_b, waits_for_any = line.join(tried=[a]), line.join()
    on_a.give_back(2.0)
    assert (served_by(waits_for_b), served_by(waits_for_any)) == ("", "a")
    on_b.give_back(2.0)
    assert served_by(waits_for_b) == "b"
    assert (a.active, b.active) == (1, 1)


def test_a_tried_backend_is_taken_once_the_untried_one_goes_down(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    pool = make_pool("a", config("b", max_connections=0))
    waiter = Line(pool, client).join(tried=pool.backends[:1])
    assert served_by(waiter) == ""
    pool.check_failed(pool.backends[1], 2.0, "refused")
    assert served_by(waiter) == "a"


def test_the_held_are_served_when_a_backend_comes_up(
    make_pool: MakePool, client: InetAddress
) -> None:
    pool = make_pool("a", when_down=WhenDown.HOLD, health=HealthConfig(rise=1))
    (a,) = pool.backends
    pool.check_failed(a, 1.0, "refused")
    line = Line(pool, client)
    waiters = [line.join(held=True), line.join(held=True, tried=[a])]
    assert [served_by(waiter) for waiter in waiters] == ["", ""]
    pool.check_passed(a, 2.0)
    assert [served_by(waiter) for waiter in waiters] == ["a", "a"]


def test_the_parked_are_passed_over_until_they_retry(
    make_pool: MakePool, client: InetAddress
) -> None:
    pool = make_pool("a", "b", when_down=WhenDown.HOLD)
    waiter = Line(pool, client).join(held=True, tried=pool.backends)
    leased(pool, client).give_back(2.0)
    assert served_by(waiter) == ""
    assert waiter.ticket is not None
    pool.retry(waiter.ticket, 3.0)
    assert served_by(waiter) == "b"


def test_a_retry_that_finds_nobody_waits_on(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", when_down=WhenDown.HOLD)
    pool.set_admin(pool.backends[0], Admin.DRAIN, 1.0)
    waiter = Line(pool, client).join(held=True, tried=pool.backends)
    assert waiter.ticket is not None
    pool.retry(waiter.ticket, 2.0)
    assert served_by(waiter) == ""
    pool.set_admin(pool.backends[0], Admin.READY, 3.0)
    assert served_by(waiter) == "a"


def test_a_retry_of_who_is_not_parked_does_not_look_at_the_whole_line(
    make_pool: MakePool, client: InetAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool("a", when_down=WhenDown.HOLD)
    pool.set_admin(pool.backends[0], Admin.DRAIN, 1.0)
    waiter = Line(pool, client).join(held=True)
    assert waiter.ticket is not None
    looks: list[float] = []
    monkeypatch.setattr(pool, "serve_line", looks.append)
    pool.retry(waiter.ticket, 2.0)
    assert looks == []


def test_a_higher_limit_and_a_new_weight_serve_the_line(
    make_pool: MakePool, config: Config, client: InetAddress
) -> None:
    narrow = config("a", max_connections=1)
    pool = make_pool(narrow, config("b", weight=0))
    a, b = pool.backends
    leased(pool, client)
    line = Line(pool, client)
    waiters = [line.join(), line.join()]
    pool.set_max_connections(a, 2, 2.0)
    assert [served_by(waiter) for waiter in waiters] == ["a", ""]
    pool.set_weight(b, 1, 2.0)
    assert served_by(waiters[1]) == "b"


def test_the_end_of_an_ejection_serves_the_line(make_pool: MakePool, client: InetAddress) -> None:
    pool = make_pool("a", "b", outlier=OutlierConfig(failures=1), when_down=WhenDown.HOLD)
    a, b = pool.backends
    pool.dial_failed(a, 1.0, "refused", 0.1)
    pool.set_admin(b, Admin.DRAIN, 1.0)
    waiter = Line(pool, client).join(held=True)
    assert served_by(waiter) == ""
    pool.end_ejections(31.0)
    assert served_by(waiter) == "a"
