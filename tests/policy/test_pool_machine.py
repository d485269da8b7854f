"""A pool under any sequence of events: nothing is lost, and nobody is overtaken."""

from __future__ import annotations

import itertools
import random

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trio_balancer.config.model import BackendConfig, Policy, PoolConfig, WhenDown
from trio_balancer.config.model_health import HealthConfig, OutlierConfig
from trio_balancer.policy import Admin, Backend, Change, Lease, Pool, State, Ticket
from trio_balancer.policy.ejection import most_ejected
from trio_balancer.wire.address import inet_address

CLIENT = inet_address("198.51.100.7", 40000)
BACKENDS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([None, 1, 2]), st.booleans()),
    min_size=1,
    max_size=4,
)
WHICH = st.integers(0, 255)


@attrs.define(eq=False)
class Waiter:
    """A connection in the line."""

    held: bool
    tried: tuple[Backend, ...]
    ticket: Ticket | None = None
    woken: int = 0

    def wake(self) -> None:
        self.woken += 1


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.arrivals = itertools.count()
        self.leases: list[Lease] = []
        self.waiters: list[Waiter] = []
        self.states: dict[Backend, State] = {}

    @initialize(
        backends=BACKENDS, policy=st.sampled_from(Policy), when_down=st.sampled_from(WhenDown)
    )
    def build(
        self,
        backends: list[tuple[int, int | None, bool]],
        policy: Policy,
        when_down: WhenDown,
    ) -> None:
        configs = tuple(
            BackendConfig(f"b{i}", inet_address("192.0.2.1", i + 1), weight, limit, backup)
            for i, (weight, limit, backup) in enumerate(backends)
        )
        config = PoolConfig(
            "app",
            configs,
            policy=policy,
            when_down=when_down,
            queue_limit=4,
            slow_start=3.0,
            health=HealthConfig(rise=1, fall=2),
            outlier=OutlierConfig(failures=2, ejection=5.0),
        )
        self.pool = Pool(config, now=0.0, rng=random.Random(1), notify=self.notified)
        self.states = {backend: backend.state for backend in self.pool.backends}

    def notified(self, change: Change) -> None:
        assert self.states[change.backend] is change.before
        assert change.before is not change.after
        assert change.at == self.now
        self.states[change.backend] = change.after

    def backend(self, which: int) -> Backend:
        return self.pool.backends[which % len(self.pool.backends)]

    def some(self, which: int) -> tuple[Backend, ...]:
        return tuple(b for i, b in enumerate(self.pool.backends) if which >> i & 1)

    @rule(which=WHICH)
    def arrive(self, which: int) -> None:
        tried = self.some(which)
        lease = self.pool.lease(CLIENT, self.now, tried)
        if isinstance(lease, Lease):
            assert lease.backend not in tried or {b for t in self.pool._tiers for b in t} <= {
                *tried
            }
            self.leases.append(lease)

    @rule(which=WHICH, held=st.booleans(), returned=st.integers(0, 3))
    def join(self, which: int, held: bool, returned: int) -> None:  # noqa: FBT001 - drawn by hypothesis
        order = 10 * next(self.arrivals) - 25 * returned
        waiter = Waiter(held, self.some(which))
        room = len(self.pool.line) < 4
        waiter.ticket = self.pool.join(
            order, CLIENT, self.now, tried=waiter.tried, wake=waiter.wake, held=held
        )
        assert (waiter.ticket is not None) is room
        if waiter.ticket is not None:
            self.waiters.append(waiter)

    @precondition(lambda self: self.leases)
    @rule(which=WHICH)
    def give_back(self, which: int) -> None:
        self.leases.pop(which % len(self.leases)).give_back(self.now)

    @precondition(lambda self: self.waiters)
    @rule(which=WHICH, take=st.booleans())
    def leave(self, which: int, take: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        waiter = self.waiters.pop(which % len(self.waiters))
        assert waiter.ticket is not None
        lease = waiter.ticket.take() if take else None
        if lease is not None:
            self.leases.append(lease)
        self.pool.leave(waiter.ticket)
        assert waiter.ticket.position == 0

    @precondition(lambda self: self.waiters)
    @rule(which=WHICH)
    def retry(self, which: int) -> None:
        waiter = self.waiters[which % len(self.waiters)]
        assert waiter.ticket is not None
        self.pool.retry(waiter.ticket, self.now)

    @rule(which=WHICH, passed=st.booleans())
    def check(self, which: int, passed: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        if passed:
            self.pool.check_passed(self.backend(which), self.now)
        else:
            self.pool.check_failed(self.backend(which), self.now, "refused")

    @rule(which=WHICH, event=st.sampled_from(["dialled", "failed", "reset", "served"]))
    def dial(self, which: int, event: str) -> None:
        backend = self.backend(which)
        match event:
            case "dialled":
                self.pool.dial_succeeded(backend, self.now, 0.01)
            case "failed":
                self.pool.dial_failed(backend, self.now, "refused", 0.01)
            case "reset":
                self.pool.reset_before_first_byte(backend, self.now)
            case _:
                self.pool.first_byte(backend)

    @rule(which=WHICH, admin=st.sampled_from(Admin))
    def operate(self, which: int, admin: Admin) -> None:
        self.pool.set_admin(self.backend(which), admin, self.now)

    @rule(which=WHICH, weight=st.integers(0, 3), limit=st.sampled_from([None, 1, 2]))
    def change(self, which: int, weight: int, limit: int | None) -> None:
        backend = self.backend(which)
        self.pool.set_weight(backend, weight, self.now)
        self.pool.set_max_connections(backend, limit, self.now)

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.pool.end_ejections(self.now)
        assert self.pool.next_ejection_end() > self.now

    @invariant()
    def every_lease_is_counted(self) -> None:
        untaken = [w.ticket.lease for w in self.waiters if w.ticket and w.ticket.lease]
        out = [lease.backend for lease in self.leases + untaken]
        assert self.pool.active == len(out)
        for backend in self.pool.backends:
            assert backend.active == out.count(backend)
            assert backend.peak_active <= backend.leased

    @invariant()
    def nobody_is_lost(self) -> None:
        line = self.pool.line.tickets
        assert sorted(ticket.order for ticket in line) == [ticket.order for ticket in line]
        waiting = [
            w.ticket for w in self.waiters if w.ticket and not w.ticket.lease and not w.woken
        ]
        assert set(waiting) == set(line)
        for waiter in self.waiters:
            assert waiter.woken == (waiter.ticket not in line)

    @invariant()
    def what_is_free_is_of_no_use_to_anybody_in_the_line(self) -> None:
        usable = [b for tier in self.pool._tiers for b in tier]
        free = {backend for backend in usable if backend.active < backend.limit}
        for ticket in self.pool.line.eligible():
            assert free <= set(ticket.tried)
            assert not (free and set(usable) <= set(ticket.tried))

    @invariant()
    def states_are_told_and_ejections_capped(self) -> None:
        assert self.states == {backend: backend.state for backend in self.pool.backends}
        ejected = sum(backend.ejected for backend in self.pool.backends)
        assert ejected <= most_ejected(len(self.pool.backends), 50.0)


class LimitMachine(PoolMachine):
    """The same with limits that do not change: then they are never exceeded."""

    def change(self, which: int, weight: int, limit: int | None) -> None:
        """Leave the limits as they are: overriding takes the rule away."""

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        assert all(backend.peak_active <= backend.limit for backend in self.pool.backends)


PoolMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
LimitMachine.TestCase.settings = PoolMachine.TestCase.settings
TestPool = PoolMachine.TestCase
TestLimits = LimitMachine.TestCase
