"""Find a backend and reach it: choose, wait in line, dial, try another.

The selector's choice and its count are one step (a lease), so a burst of connections does not
pile up on the backend that was the least loaded a moment ago.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import PoolConfig, WhenDown
from trio_balancer.flow.dial import DialFailure, dial
from trio_balancer.flow.faulting import meet_faults_at_dial
from trio_balancer.flow.leg import Leg, begin_leg
from trio_balancer.flow.live import Connection
from trio_balancer.flow.record import Phase, Who
from trio_balancer.policy import Backend, Lease, Pool, Ticket, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.network.seam import Stream

# Seconds before the same backend is dialled again where nobody else is left; doubles each time.
FIRST_PAUSE = 0.25
# How often a held connection dials although no backend has come up.
HOLD_RETRY = 1.0


async def reach_backend(connection: Connection, pool: Pool) -> Stream | None:
    """Return a stream to a backend, whose lease the connection then holds.

    None when there is none to be had: the connection has its ending then.
    """
    connection.pool = pool
    connection.runtime.meters.joined(pool, trio.current_time())
    leg = connection.runtime.legs.get(pool.name)
    search = _Search(connection, pool, pool.config, leg, _attempts_allowed(pool.config))
    while (lease := await search.choose()) is not None:
        connection.lease = lease
        outcome = await search.attempt(lease)
        # Not "a Stream": that is an abstract class, and asking for one takes longer.
        if not isinstance(outcome, DialFailure):
            return outcome
        connection.lease = None
        search.failed(lease, outcome)
        if connection.ending is not None:
            break
    return None


def _attempts_allowed(config: PoolConfig) -> int:
    attempts = config.connect_attempts
    return len(config.backends) if attempts is None else attempts


@attrs.define(eq=False)
class _Search:
    """One connection's search: who has failed it, how often, and until when it may wait."""

    connection: Connection
    pool: Pool
    #: As they were when it began; a reload is for those who come later.
    config: PoolConfig
    leg: Leg | None
    attempts_left: int
    tried: set[Backend] = attrs.Factory(set)
    pause: float = FIRST_PAUSE
    exhausted: bool = False
    #: Absolute: being queued or held again re-arms neither.
    queue_deadline: float = math.inf
    hold_deadline: float = math.inf

    async def choose(self) -> Lease | None:
        """Lease a backend, waiting in line where that is the way; None: ended."""
        self.connection.phase = Phase.QUEUE
        if self.exhausted:
            return await self._hold()
        if self.tried and self.pool.all_tried(self.tried):
            await self._pause()
        choice = self._lease()
        if isinstance(choice, Lease):
            return choice
        if choice is Unavailable.FULL:
            return await self._queue()
        if self.config.when_down is WhenDown.HOLD:
            return await self._hold()
        self.connection.phase = Phase.CONNECT
        self.connection.end(Who.BACKEND, "no backend is up")
        return None

    def _lease(self) -> Lease | Unavailable:
        return self.pool.lease(self.connection.client_address, trio.current_time(), self.tried)

    async def _pause(self) -> None:
        """Give the only backend that is left a moment."""
        self.connection.phase = Phase.CONNECT
        await trio.sleep(self.pause)
        self.pause *= 2
        self.connection.phase = Phase.QUEUE

    async def _queue(self) -> Lease | None:
        limit = self.config.queue_timeout
        self.queue_deadline = min(self.queue_deadline, trio.current_time() + limit)
        reason = f"every backend was full for {limit:g} s"
        return await self._wait_in_line(self.queue_deadline, reason, held=False)

    async def _hold(self) -> Lease | None:
        limit = self.config.hold_timeout
        self.hold_deadline = min(self.hold_deadline, trio.current_time() + limit)
        reason = f"no backend could be reached for {limit:g} s"
        return await self._wait_in_line(self.hold_deadline, reason, held=True)

    async def _wait_in_line(self, deadline: float, too_late: str, *, held: bool) -> Lease | None:
        served = trio.Event()
        ticket = self._join(served.set, held=held)
        if ticket is None:
            self.connection.end(Who.POLICY, "the queue is full")
            return None
        self.connection.pool_queue = ticket.position
        try:
            with trio.move_on_at(deadline):
                await self._until_served(ticket, served)
            lease = ticket.take()
        finally:
            self.pool.leave(ticket)
        if lease is None:
            self.connection.end(Who.BACKEND_TIMEOUT, too_late)
        elif self.exhausted:
            self._new_round()
        return lease

    def _join(self, wake: Callable[[], None], *, held: bool) -> Ticket | None:
        return self.pool.join(
            self.connection.number,
            self.connection.client_address,
            trio.current_time(),
            tried=frozenset(self.tried),
            wake=wake,
            held=held,
        )

    async def _until_served(self, ticket: Ticket, served: trio.Event) -> None:
        while not served.is_set():
            with trio.move_on_after(HOLD_RETRY):
                await served.wait()
                return
            self.pool.retry(ticket, trio.current_time())

    def _new_round(self) -> None:
        """Start afresh after a hold: whoever failed before may have recovered."""
        self.exhausted = False
        self.tried.clear()
        self.pause = FIRST_PAUSE
        self.attempts_left = _attempts_allowed(self.config)

    async def attempt(self, lease: Lease) -> Stream | DialFailure:
        """Dial the leased backend once."""
        connection, runtime = self.connection, self.connection.runtime
        connection.phase = Phase.CONNECT
        connection.chosen_at = started = trio.current_time()
        runtime.meters.chosen(self.pool, lease.backend, started)
        connection.redispatched |= bool(self.tried) and lease.backend not in self.tried
        connection.attempts += 1
        connection.target = lease.backend
        outcome = await self._dial(lease.backend, started)
        if self.leg is not None and not isinstance(outcome, DialFailure):
            deadline = started + self.config.connect_timeout
            outcome = await begin_leg(connection, self.leg, outcome, deadline)
        now = trio.current_time()
        if not isinstance(outcome, DialFailure):
            connection.backend = outcome
            connection.connect_time = now - started
            self.pool.dial_succeeded(lease.backend, now, now - started)
        elif outcome.who is not Who.RESOURCE:
            self.pool.dial_failed(lease.backend, now, outcome.reason, now - started)
        return outcome

    async def _dial(self, backend: Backend, started: float) -> Stream | DialFailure:
        connection, runtime = self.connection, self.connection.runtime
        within = self.config.connect_timeout
        if connection.faults is not None:
            name = self.pool.name
            failure = await meet_faults_at_dial(name, backend, connection.faults, within)
            if failure is not None:
                return failure
            within -= trio.current_time() - started
        return await dial(
            runtime.network,
            connection.destinations or runtime.names.lookup(backend.address),
            within,
            connection.terms.options,
            self.config.source,
        )

    def failed(self, lease: Lease, failure: DialFailure) -> None:
        """Remember who failed; with no attempt left, hold on or give up."""
        lease.give_back(trio.current_time())
        self.tried.add(lease.backend)
        self.attempts_left -= 1
        holds = self.config.when_down is WhenDown.HOLD
        if failure.hopeless or (self.attempts_left <= 0 and not holds):
            name = lease.backend.name
            self.connection.end(failure.who, f"{name}: {failure.reason}")
        elif self.attempts_left <= 0:
            self.exhausted = True
