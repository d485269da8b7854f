"""What a reload means for the backends of a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.backend import Backend
from trio_balancer.policy.state import State

if TYPE_CHECKING:
    from trio_balancer.config.model import BackendConfig, PoolConfig
    from trio_balancer.policy.pool import Pool
    from trio_balancer.wire.address import Address


def adopt(pool: Pool, config: PoolConfig, now: float) -> list[Backend]:
    """Give a pool its new configuration and backends; return those that left.

    A backend is the same when name and address are: another address under an old name is
    another machine, of which nothing is known.
    """
    known = {(backend.name, backend.address): backend for backend in pool.backends}
    new_health = config.health != pool.config.health
    pool.backends = [_find(known, config, backend, now) for backend in config.backends]
    for backend in pool.backends:
        if new_health:
            backend.health.configure(config.health)
        if config.outlier is None and backend.ejected:
            backend.ejection.end(now)
        backend.slow_start.configure(config.slow_start, now)
    _settle_credits(pool.backends, anew=config.policy is not pool.config.policy)
    pool.config = config
    pool.line.limit = config.queue_limit
    return list(known.values())


def _settle_credits(backends: list[Backend], *, anew: bool) -> None:
    """Keep the round-robin's position, or begin anew.

    Who left took its credit or its debt along. What remains must add up to about nothing again:
    newcomers start at 0, and after many reloads the others would be far from it.
    """
    middle = sum(backend.credit for backend in backends) // max(len(backends), 1)
    for backend in backends:
        backend.credit = 0 if anew else backend.credit - middle


def _find(
    known: dict[tuple[str, Address], Backend], pool: PoolConfig, config: BackendConfig, now: float
) -> Backend:
    """Take the backend out of those that are known, or make it."""
    backend = known.pop((config.name, config.address), None)
    if backend is None:
        return _newcomer(pool, config, now)
    backend.configure(config)
    return backend


def _newcomer(pool: PoolConfig, config: BackendConfig, now: float) -> Backend:
    """Make a backend that joins a running pool: as cold as one that comes up."""
    backend = Backend.start(pool, config, now)
    if backend.state is State.UP:
        backend.slow_start.begin(now)
    return backend
