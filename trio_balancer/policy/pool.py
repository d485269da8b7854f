"""A pool: its backends, and all that changes which of them get connections.

Everything here happens in one step and at a given time. `leasing.py` deals the backends out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trio_balancer.policy.change import Change
from trio_balancer.policy.ejection import room_for_one_more
from trio_balancer.policy.fade_out import FadeOut
from trio_balancer.policy.leasing import Leasing
from trio_balancer.policy.reload import adopt
from trio_balancer.policy.selectors import make_selector
from trio_balancer.policy.state import Admin, State
from trio_balancer.policy.statistics import PoolStatistics, pool_statistics

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from trio_balancer.config.model import PoolConfig
    from trio_balancer.policy.backend import Backend


def _tell_nobody(_change: Change) -> None:
    """Stand in for whoever does not want to be notified."""


class Pool(Leasing):
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
        super().__init__(config, now=now, rng=rng)
        self.name = config.name
        #: Those that a reload has removed: their connections go on, and so do their counts.
        self.departed: list[Backend] = []
        self._notify = notify

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

    def set_health(self, backend: Backend, now: float, *, up: bool) -> None:
        """Take the operator's word for the checks, until the next ones say otherwise."""
        before = backend.state
        backend.check_reason = "set down by the operator"
        backend.health.value = backend.health.top if up else 0
        self._settle(backend, before, now, "set up by the operator")

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
