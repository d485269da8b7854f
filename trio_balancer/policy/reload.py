"""What a reload means for the backends of a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.policy.backend import Backend
from trio_balancer.policy.state import State

if TYPE_CHECKING:
    from trio_balancer.config.model import BackendConfig, PoolConfig
    from trio_balancer.policy.pool import Pool

    Identity = tuple[str, str]

#: Backends that a pool remembers after they have left, but for those that still have connections.
MOST_DEPARTED = 1000


def adopt(pool: Pool, config: PoolConfig, now: float) -> list[Backend]:
    """Give a pool its new configuration and backends; return those that left.

    A backend is the same when name and address are: another address under an old name is
    another machine, of which nothing is known.
    """
    known = {_identity(backend.config): backend for backend in pool.backends}
    departed = {_identity(backend.config): backend for backend in pool.departed}
    pool.backends = [
        _stay(known, pool.config, config, backend, now) or _join(departed, config, backend, now)
        for backend in config.backends
    ]
    pool.departed = _still_remembered([*departed.values(), *known.values()])
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


def _identity(backend: BackendConfig) -> Identity:
    # The text, not the value: equality leaves out the zone of an address, dialling does not.
    return backend.name, str(backend.address)


def _stay(
    known: dict[Identity, Backend],
    before: PoolConfig,
    pool: PoolConfig,
    config: BackendConfig,
    now: float,
) -> Backend | None:
    """Take the backend out of those that are known, if it is one of them, and configure it."""
    backend = known.pop(_identity(config), None)
    if backend is None:
        return None
    backend.configure(config)
    if pool.health != before.health:
        backend.health.configure(pool.health)
    if pool.outlier is None and backend.ejected:
        backend.ejection.end(now)
    backend.slow_start.configure(pool.slow_start, now)
    return backend


def _join(
    departed: dict[Identity, Backend], pool: PoolConfig, config: BackendConfig, now: float
) -> Backend:
    """Let a backend join a running pool, or come back to it: as cold as one that comes up."""
    backend = departed.pop(_identity(config), None)
    if backend is None:
        backend = Backend.start(pool, config, now)
    else:
        backend.come_back(pool, config, now)
    if backend.state is State.UP:
        backend.slow_start.begin(now)
    return backend


def _still_remembered(departed: list[Backend]) -> list[Backend]:
    """Forget who left long ago, so that names made up for every deployment do not add up."""
    older, newer = departed[:-MOST_DEPARTED], departed[-MOST_DEPARTED:]
    return [backend for backend in older if backend.active] + newer
