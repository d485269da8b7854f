"""Frozen snapshots of a pool, for control, metrics and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model import Policy
from trio_balancer.policy.state import Admin, State
from trio_balancer.wire.address import Address

if TYPE_CHECKING:
    from trio_balancer.policy.backend import Backend
    from trio_balancer.policy.pool import Pool


@attrs.frozen
class LastCheck:
    """The last health check that was conclusive; `detail` is what it saw, in words.

    `duration` is in seconds, `at` monotonic seconds.
    """

    passed: bool
    detail: str
    duration: float
    at: float


@attrs.frozen
class BackendStatistics:
    """One backend at one moment; times and durations are in seconds.

    `weight` is `configured_weight` unless an operator has set another; `effective_weight` is less
    in slow start and while it fades out; `ejection_ends_in` is None while it
    is not ejected; `health` counts from 0 to `rise` + `fall` - 1. `checked` is False where no
    checks are made.
    """

    name: str
    address: Address
    state: State
    admin: Admin
    reason: str
    in_state_for: float
    weight: int
    configured_weight: int
    effective_weight: float
    max_connections: int | None
    backup: bool
    health: int
    rise: int
    fall: int
    ejected: bool
    ejection_ends_in: float | None
    ejections: int
    active: int
    peak_active: int
    leased: int
    dials: int
    dial_failures: int
    resets: int
    connect_time: float
    checked: bool
    last_check: LastCheck | None
    checks_passed: int
    checks_failed: int
    times_down: int
    downtime: float


@attrs.frozen
class PoolStatistics:
    """A pool at one moment; `queue_refused` counts those who found the line full."""

    name: str
    policy: Policy
    active: int
    queued: int
    held: int
    queue_limit: int
    queue_peak: int
    queue_joined: int
    queue_refused: int
    backends: tuple[BackendStatistics, ...]


def backend_statistics(backend: Backend, now: float) -> BackendStatistics:
    """Take a snapshot of one backend."""
    in_state_for = now - backend.changed_at
    until = backend.ejection.until
    return BackendStatistics(
        name=backend.name,
        address=backend.address,
        state=backend.state,
        admin=backend.admin,
        reason=backend.reason,
        in_state_for=in_state_for,
        weight=backend.weight,
        configured_weight=backend.config.weight,
        effective_weight=backend.weight_at(now),
        max_connections=backend.max_connections,
        backup=backend.backup,
        health=backend.health.value,
        rise=backend.health.rise,
        fall=backend.health.fall,
        ejected=backend.ejected,
        ejection_ends_in=None if until is None else max(until - now, 0.0),
        ejections=backend.ejection.total,
        active=backend.active,
        peak_active=backend.peak_active,
        leased=backend.leased,
        dials=backend.dials,
        dial_failures=backend.dial_failures,
        resets=backend.resets,
        connect_time=backend.connect_ewma.at(now),
        checked=backend.health.checked,
        last_check=backend.last_check,
        checks_passed=backend.checks_passed,
        checks_failed=backend.checks_failed,
        times_down=backend.times_down,
        downtime=backend.downtime + (in_state_for if backend.state is State.DOWN else 0.0),
    )


def pool_statistics(pool: Pool, now: float) -> PoolStatistics:
    """Take a snapshot of a pool, its line and its backends."""
    line = pool.line
    return PoolStatistics(
        name=pool.name,
        policy=pool.config.policy,
        active=pool.active,
        queued=len(line) - line.held,
        held=line.held,
        queue_limit=line.limit,
        queue_peak=line.peak,
        queue_joined=line.joined,
        queue_refused=line.refused,
        backends=tuple(backend_statistics(backend, now) for backend in pool.backends),
    )


def forget_peaks(pool: Pool) -> None:
    """Begin to look for the highest values anew."""
    pool.line.peak = len(pool.line)
    for backend in pool.backends:
        backend.peak_active = backend.active


def forget_counts(pool: Pool) -> None:
    """Count everything anew."""
    pool.line.joined = pool.line.refused = 0
    for backend in pool.backends:
        backend.leased = backend.dials = backend.dial_failures = backend.resets = 0
        backend.checks_passed = backend.checks_failed = backend.times_down = 0
        backend.downtime = 0.0
        backend.ejection.total = 0
