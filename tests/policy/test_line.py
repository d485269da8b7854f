from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.lease import Lease
from trio_balancer.policy.line import Line, Ticket
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from trio_balancer.policy import Backend

CLIENT = inet_address("198.51.100.7", 40000)


def join(line: Line, order: int, *, held: bool = False, tried: Collection[Backend] = ()) -> Ticket:
    return line.add(order, CLIENT, tried=tried, wake=lambda: None, held=held)


@given(st.lists(st.integers(), unique=True))
def test_the_order_is_that_of_arrival(orders: list[int]) -> None:
    line = Line(1000)
    for order in orders:
        join(line, order)
    assert [ticket.order for ticket in line.eligible()] == sorted(orders)
    assert [ticket.position for ticket in line.tickets] == list(range(1, len(orders) + 1))


def test_the_limit_and_its_counts() -> None:
    line = Line(2)
    first = join(line, 1)
    assert line.has_room()
    join(line, 2, held=True)
    assert not line.has_room()
    assert (len(line), line.held, line.peak, line.joined, line.refused) == (2, 1, 2, 2, 1)
    line.discard(first)
    assert line.has_room()
    assert (len(line), line.peak) == (1, 2)


def test_leaving_twice_does_no_harm() -> None:
    line = Line(2)
    first, second = join(line, 1), join(line, 2)
    line.discard(first)
    line.discard(first)
    assert line.tickets == [second]
    assert (first.position, second.position) == (0, 1)


def test_only_the_held_that_failed_are_parked(
    backends: Callable[..., tuple[Backend, ...]],
) -> None:
    line, tried = Line(9), backends(1)
    queued = join(line, 1, tried=tried)
    held = join(line, 2, held=True)
    parked = join(line, 3, held=True, tried=tried)
    assert line.eligible() == [queued, held]
    line.unpark_all()
    assert line.eligible() == [queued, held, parked]
    assert (queued.tried, parked.tried) == (tried, ())


def test_a_lease_is_taken_once(backends: Callable[..., tuple[Backend, ...]]) -> None:
    ticket = join(Line(1), 1)
    assert ticket.take() is None
    lease = ticket.lease = Lease.take(backends(1)[0], lambda _now: None)
    assert ticket.take() is lease
    assert ticket.take() is None
