"""Who among a pool's backends gets the next connection, and the line of those who wait.

Whatever frees a slot or brings a backend up serves the line at once, so whatever is free between
two steps is of no use to anybody in the line, and a newcomer that takes it overtakes nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model import Policy, WhenDown
from trio_balancer.policy.availability import Tier, candidates, tiers_of
from trio_balancer.policy.backend import Backend
from trio_balancer.policy.lease import Lease
from trio_balancer.policy.line import Line, Ticket
from trio_balancer.policy.selectors import make_selector
from trio_balancer.policy.state import Unavailable

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection

    from trio_balancer.config.model import PoolConfig
    from trio_balancer.wire.address import SocketAddress


class Leasing:
    """The half of a pool that deals its backends out; `now` is monotonic seconds everywhere."""

    def __init__(self, config: PoolConfig, *, now: float, rng: random.Random) -> None:
        self.config = config
        self.backends = [Backend.start(config, backend, now) for backend in config.backends]
        #: Leases that are out now, those of backends that have left included.
        self.active = 0
        self.line = Line(config.queue_limit)
        self._rng = rng
        self._selector = make_selector(config.policy, rng)
        self._find_tiers()

    def lease(
        self, client: SocketAddress, now: float, tried: Collection[Backend] = ()
    ) -> Lease | Unavailable:
        """Choose a backend for a client and count it.

        `tried` are those where this connection failed already; they come last.
        """
        found = candidates(self._tiers, tried)
        if isinstance(found, Unavailable):
            return found
        self.active += 1
        return Lease.take(self._selector.choose(found, client, now), self._slot_freed)

    def serving(self) -> Tier:
        """Return those who get new connections now, whether or not they are full."""
        return self._tiers[0] if self._tiers else ()

    def preferred(self, client: SocketAddress, now: float) -> Backend | None:
        """Return whom source-hash would choose; other policies have no such preference."""
        serving = self.serving()
        if self.config.policy is not Policy.SOURCE_HASH or not serving:
            return None
        return self._selector.choose(serving, client, now)

    def all_tried(self, tried: Collection[Backend]) -> bool:
        """Whether somebody may serve, but each of them has failed this connection already."""
        serving = [backend for tier in self._tiers for backend in tier]
        return bool(serving) and all(backend in tried for backend in serving)

    def join(
        self,
        order: int,
        client: SocketAddress,
        now: float,
        *,
        tried: Collection[Backend],
        wake: Callable[[], None],
        held: bool,
    ) -> Ticket | None:
        """Wait in the line, at the place of arrival number `order`; None when it is full.

        A slot that became free since `lease` said no is handed over before this returns, with
        `wake()`; `wake` must neither raise nor call the pool. One who is held after failed
        attempts (`tried`) is parked until a backend comes up, or until `retry`.
        """
        if not self.line.has_room():
            return None
        ticket = self.line.add(order, client, tried=tuple(tried), wake=wake, held=held)
        self.serve_line(now)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Leave the line, served or not; a lease that was not taken is given back. Idempotent."""
        self.line.discard(ticket)
        lease = ticket.take()
        if lease is not None:
            lease.give_back(ticket.served_at)

    def retry(self, ticket: Ticket, now: float) -> None:
        """Let a parked ticket try again, from now on like any other."""
        # The others are served as soon as that is possible: a look at the whole line for each
        # of them would cost the square of their number.
        if ticket.parked:
            ticket.unpark()
            self.serve_line(now)

    def serve_line(self, now: float) -> None:
        """Hand slots over, first come first served, while somebody in the line can use one."""
        for ticket in self.line.eligible():
            lease = self.lease(ticket.client, now, ticket.tried)
            if isinstance(lease, Lease):
                self.line.discard(ticket)
                ticket.lease, ticket.served_at = lease, now
                ticket.wake()
            elif lease is Unavailable.DOWN or not ticket.tried:
                return  # What is of no use to this one is of none to those behind it.

    def _slot_freed(self, now: float) -> None:
        self.active -= 1
        if self.line.tickets:
            self.serve_line(now)

    def _find_tiers(self) -> None:
        """Look again at who may serve; whatever changes that is followed by this."""
        self._tiers = tiers_of(self.backends, panic=self.config.when_down is WhenDown.PANIC)
