"""The line: connections that wait for a slot (queued) or for a backend to come up (held).

It is ordered by arrival of the connection, not by the time of joining: who comes back after a
failed dial keeps its place.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Collection
from operator import attrgetter

import attrs

from trio_balancer.policy.backend import Backend
from trio_balancer.policy.lease import Lease
from trio_balancer.wire.address import SocketAddress

_by_order = attrgetter("order")


@attrs.define(eq=False)
class Ticket:
    """A place in the line; `order` is the connection's arrival number.

    The pool sets `lease` and then calls `wake()`, at most once. `take` the lease then: until
    that is done, leaving the line gives it back.
    """

    order: int
    client: SocketAddress
    tried: Collection[Backend]
    wake: Callable[[], None]
    held: bool
    #: A parked ticket keeps its place but is passed over, until it is worth another try.
    parked: bool
    _line: Line
    lease: Lease | None = None
    #: When the lease was handed over (monotonic seconds).
    served_at: float = attrs.field(init=False, default=0.0)

    @property
    def position(self) -> int:
        """Its place in the line, from 1; 0 once it is not in the line."""
        return self._line.position(self)

    def take(self) -> Lease | None:
        """Return the lease, which is the caller's to give back from now on."""
        lease, self.lease = self.lease, None
        return lease

    def unpark(self) -> None:
        """Make it eligible, for a new round: whoever failed before may have recovered."""
        if self.parked:
            self.parked = False
            self.tried = ()


@attrs.define(eq=False)
class Line:
    """Tickets in the order of arrival, and counts for `statistics`."""

    #: Most tickets at a time, queued and held together.
    limit: int
    tickets: list[Ticket] = attrs.field(factory=list)
    peak: int = 0
    joined: int = 0
    refused: int = 0

    def __len__(self) -> int:
        return len(self.tickets)

    @property
    def held(self) -> int:
        """How many are held."""
        return sum(ticket.held for ticket in self.tickets)

    def position(self, ticket: Ticket) -> int:
        """Return a ticket's place, from 1; 0 where it is not in the line."""
        return self.tickets.index(ticket) + 1 if ticket in self.tickets else 0

    def has_room(self) -> bool:
        """Whether one more may join; a refusal is counted."""
        room = len(self.tickets) < self.limit
        self.refused += not room
        return room

    def add(
        self,
        order: int,
        client: SocketAddress,
        *,
        tried: Collection[Backend],
        wake: Callable[[], None],
        held: bool,
    ) -> Ticket:
        """Put a connection in its place.

        One that is held because its attempts failed is parked: served at once, it would only
        fail again, and again.
        """
        ticket = Ticket(order, client, tried, wake, held, held and bool(tried), self)
        insort(self.tickets, ticket, key=_by_order)
        self.joined += 1
        self.peak = max(self.peak, len(self.tickets))
        return ticket

    def discard(self, ticket: Ticket) -> None:
        """Take a ticket out, if it is in the line."""
        if ticket in self.tickets:
            self.tickets.remove(ticket)

    def eligible(self) -> list[Ticket]:
        """Return who may be served, first come first."""
        return [ticket for ticket in self.tickets if not ticket.parked]

    def unpark_all(self) -> None:
        """Somebody came up: everybody is worth another try."""
        for ticket in self.tickets:
            ticket.unpark()
