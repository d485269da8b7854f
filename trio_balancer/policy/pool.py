"""A pool: backends, who among them gets the next connection, and the line of those who wait.

Everything here happens in one step and at a given time. Whatever frees a slot or brings a
backend up serves the line at once, so whatever is free between two steps is of no use to
anybody in the line, and a newcomer that takes it overtakes nobody.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trio_balancer.config.model import WhenDown
from trio_balancer.policy.availability import candidates, tiers_of
from trio_balancer.policy.backend import Backend
from trio_balancer.policy.change import Change
from trio_balancer.policy.ejection import room_for_one_more
from trio_balancer.policy.fade_out import FadeOut
from trio_balancer.policy.lease import Lease
from trio_balancer.policy.line import Line, Ticket
from trio_balancer.policy.reload import adopt
from trio_balancer.policy.selectors import make_selector
from trio_balancer.policy.state import Admin, State, Unavailable
from trio_balancer.policy.statistics import PoolStatistics, pool_statistics

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection

    from trio_balancer.config.model import PoolConfig
    from trio_balancer.wire.address import SocketAddress


def _tell_nobody(_change: Change) -> None:
    """Stand in for whoever does not want to be notified."""


class Pool:
    """A named set of backends and the policy that chooses among them.

    `now` is monotonic seconds everywhere. `notify` is called with every visible change of a
    backend's state, before the line is served; it must neither raise nor call the pool.
    """

    def __init__(
        self,
        config: PoolConfig,
        *,
        now: float,
        rng: random.Random,
        notify: Callable[[Change], None] = _tell_nobody,
    ) -> None:
        self.name = config.name
        self.config = config
        self.backends = [Backend.start(config, backend, now) for backend in config.backends]
        #: Those that a reload has removed: their connections go on, and so do their counts.
        self.departed: list[Backend] = []
        self.line = Line(config.queue_limit)
        self._rng = rng
        self._notify = notify
        self._selector = make_selector(config.policy, rng)
        self._find_tiers()

    @property
    def active(self) -> int:
        """Leases that are out now, those of backends that have left included."""
        departed = sum(backend.active for backend in self.departed)
        return departed + sum(backend.active for backend in self.backends)

    # Leases and the line

    def lease(
        self, client: SocketAddress, now: float, tried: Collection[Backend] = ()
    ) -> Lease | Unavailable:
        """Choose a backend for a client and count it.

        `tried` are those where this connection failed already; they come last.
        """
        found = candidates(self._tiers, tried)
        if isinstance(found, Unavailable):
            return found
        return Lease.take(self._selector.choose(found, client, now), self._slot_freed)

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
        if self.line.tickets:
            self.serve_line(now)

    # What became of a lease

    def dial_succeeded(self, backend: Backend, now: float, connect_time: float) -> None:
        """Count a dial that took `connect_time` seconds.

        It ends no row of failures: a backend may accept everybody and serve nobody.
        """
        backend.dials += 1
        backend.connect_ewma.succeeded(connect_time, now)

    def dial_failed(self, backend: Backend, now: float, reason: str, elapsed: float) -> None:
        """Count a failed dial after `elapsed` seconds; never one that failed for local trouble."""
        backend.dial_failures += 1
        backend.connect_ewma.failed(elapsed, now)
        self._count_failure(backend, now, reason)

    def reset_before_first_byte(self, backend: Backend, now: float) -> None:
        """Count a connection that the backend reset before it had sent anything."""
        backend.resets += 1
        self._count_failure(backend, now, "connection reset before the first byte")

    def first_byte(self, backend: Backend) -> None:
        """Count a connection that is being served: the row of failures ends."""
        backend.ejection.failures = 0

    def _count_failure(self, backend: Backend, now: float, reason: str) -> None:
        outlier = self.config.outlier
        # Late failures, of connections from before an ejection or a removal, change nothing.
        if outlier is None or backend.ejected or backend not in self.backends:
            return
        before = backend.state
        backend.ejection.failures += 1
        if before is not State.UP or backend.ejection.failures < outlier.failures:
            return  # Who is not up anyway needs no ejection.
        ejections = [other.ejection for other in self.backends]
        if room_for_one_more(ejections, outlier.max_ejected_percent):
            backend.ejection.begin(outlier, now, reason)
            self._settle(backend, before, now)

    # Checks, ejections and the operator

    def check_passed(self, backend: Backend, now: float, detail: str = "") -> None:
        """Count a passed check; `detail` is what it saw, for people."""
        if backend not in self.backends:
            return  # It left while it was being checked.
        before = backend.state
        backend.checks_passed += 1
        backend.health.passed()
        self._settle(backend, before, now, "passed its checks", detail)

    def check_failed(self, backend: Backend, now: float, reason: str) -> None:
        """Count a failed check; `reason` is for people."""
        if backend not in self.backends:
            return
        before = backend.state
        backend.checks_failed += 1
        backend.check_reason = reason
        backend.health.failed()
        self._settle(backend, before, now)

    def next_ejection_end(self) -> float:
        """Return when `end_ejections` is due (monotonic seconds); inf: nobody is ejected."""
        ends = (backend.ejection.until for backend in self.backends)
        return min((end for end in ends if end is not None), default=math.inf)

    def end_ejections(self, now: float) -> None:
        """Let those serve again whose ejection is over."""
        for backend in self.backends:
            if backend.ejection.until is not None and backend.ejection.until <= now:
                self._end_ejection(backend, now)

    def _end_ejection(self, backend: Backend, now: float) -> None:
        before = backend.state
        backend.ejection.end(now)
        self._settle(backend, before, now, "its ejection ended")

    def set_admin(self, backend: Backend, admin: Admin, now: float) -> None:
        """Do what the operator wants; connections that are there stay."""
        before = backend.state
        backend.admin, backend.fade_out = admin, None
        self._settle(backend, before, now, f"set to {admin.value} by the operator")

    def fade_out(self, backend: Backend, duration: float, now: float) -> FadeOut:
        """Give a backend less and less for so many seconds (more than 0), until it is drained.

        The caller drains it at the end, if `backend.fade_out` is still what this returns:
        whatever the operator wants meanwhile takes its place.
        """
        backend.fade_out = FadeOut(duration, now + duration)
        return backend.fade_out

    # What an operator may set until the file says something else

    def set_weight(self, backend: Backend, weight: int, now: float) -> None:
        """Give a backend another weight; 0: only what is already there."""
        backend.weight = weight
        self._find_tiers()
        self.serve_line(now)

    def set_max_connections(self, backend: Backend, limit: int | None, now: float) -> None:
        """Give a backend another limit (None: none); who is above it stays."""
        backend.set_max_connections(limit)
        self.serve_line(now)

    def reconfigure(self, config: PoolConfig, now: float) -> list[Backend]:
        """Take over a reloaded configuration; return the backends that are no longer part.

        Who keeps name and address keeps everything else too, and who comes back its connections
        and counts. Nobody in the line is sent away.
        """
        before = [(backend, backend.state) for backend in self.backends]
        if config.policy is not self.config.policy:
            self._selector = make_selector(config.policy, self._rng)
        removed = adopt(self, config, now)
        self._find_tiers()
        for backend, state in before:
            if backend not in removed:
                self._settle(backend, state, now, "the configuration changed")
        self.serve_line(now)
        return removed

    def statistics(self, now: float) -> PoolStatistics:
        """Take a frozen snapshot."""
        return pool_statistics(self, now)

    def _settle(
        self, backend: Backend, before: State, now: float, why_up: str = "", detail: str = ""
    ) -> None:
        """Draw the consequences of what may have changed a backend's state."""
        if backend.state is before:
            return
        backend.state_changed(before, now, why_up)
        self._find_tiers()
        self._notify(Change(self.name, backend, before, backend.state, backend.reason, detail, now))
        if backend.state is State.UP:
            self.line.unpark_all()
        self.serve_line(now)

    def _find_tiers(self) -> None:
        self._tiers = tiers_of(self.backends, panic=self.config.when_down is WhenDown.PANIC)
