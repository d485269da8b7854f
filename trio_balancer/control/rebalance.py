"""Rebalance: end connections of backends that have too many, so that they come back elsewhere.

Long-lived connections stay where they are when a backend joins a pool: it would have nothing to do
until they end by themselves. Where clients that come back go is for the pool's policy, and many
may well come back to where they were. So there is no number of connections to end: at each moment
as many are ended as brings what is too much down to what the plan, a straight line, allows then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.config.model import Policy
from trio_balancer.control.evenly import LEAST_PAUSE, end_evenly
from trio_balancer.flow.record import Phase, Who
from trio_balancer.policy.shares import fair_shares

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.flow.live import Connection, Runtime
    from trio_balancer.policy import Backend, Pool

    Served = dict[Backend, list[Connection]]

# Looks at the connections within the whole time.
LOOKS = 200
REASON = "its pool is being rebalanced"


class RebalanceError(Exception):
    """The pool cannot be rebalanced; the message is a sentence for people."""


def rebalance(balancer: Balancer, pool: Pool, over: float) -> None:
    """Even out a pool's connections over so many seconds; a second call takes the first's place.

    Raises RebalanceError for the policy `first`, which fills one backend after the other.
    """
    if pool.config.policy is Policy.FIRST:
        raise RebalanceError("the policy 'first' does not balance, so there is nothing to even out")
    stop_rebalancing(balancer, pool)
    scope = balancer.rebalancing[pool] = trio.CancelScope()
    balancer.services.start_soon(_rebalance, balancer, pool, over, scope)


def stop_rebalancing(balancer: Balancer, pool: Pool) -> bool:
    """Let connections be; say whether any were being ended."""
    scope = balancer.rebalancing.pop(pool, None)
    if scope is not None:
        scope.cancel()
    return scope is not None


async def _rebalance(balancer: Balancer, pool: Pool, over: float, scope: trio.CancelScope) -> None:
    runtime = balancer.runtime
    with scope:
        if pool.config.policy is Policy.SOURCE_HASH:
            await end_evenly(lambda: _misplaced(runtime, pool), REASON, over)
        else:
            await _even_out(runtime, pool, over)
        del balancer.rebalancing[pool]
        balancer.log.info("Rebalanced", pool=pool.name)


def _misplaced(runtime: Runtime, pool: Pool) -> list[Connection]:
    """List the connections of clients that hash to another backend now."""
    now = trio.current_time()
    return [
        connection
        for backend, connections in _served(runtime, pool).items()
        for connection in connections
        if pool.preferred(connection.client_address, now) is not backend
    ]


async def _even_out(runtime: Runtime, pool: Pool, over: float) -> None:
    end = trio.current_time() + over
    at_first = _too_many(_excess(_served(runtime, pool), pool))
    while (left := end - trio.current_time()) > 0:
        await trio.sleep(min(max(over / LOOKS, LEAST_PAUSE), left))
        allowed = at_first * max(end - trio.current_time(), 0.0) / over
        _end_surplus(_served(runtime, pool), pool, allowed)


def _end_surplus(served: Served, pool: Pool, allowed: float) -> None:
    """End the oldest connections of the fullest backends, until no more than that is too much."""
    excess = _excess(served, pool)
    for _ in range(int(_too_many(excess) - allowed)):
        fullest, emptiest = max(excess, key=excess.__getitem__), min(excess, key=excess.__getitem__)
        if excess[fullest] - excess[emptiest] <= 1:
            break  # It would only be the other way round then.
        served[fullest].pop(0).end(Who.KILLED, REASON)
        excess[fullest] -= 1
        excess[emptiest] += 1


def _too_many(excess: dict[Backend, float]) -> float:
    return sum(each for each in excess.values() if each > 0)


def _excess(served: Served, pool: Pool) -> dict[Backend, float]:
    """Return how many connections each backend has above its share, or below."""
    total = sum(map(len, served.values()))
    shares = fair_shares(pool.serving(), total, trio.current_time())
    return {backend: len(served[backend]) - share for backend, share in shares.items()}


def _served(runtime: Runtime, pool: Pool) -> Served:
    """List the connections of each backend that takes new ones, the oldest first."""
    served: Served = {backend: [] for backend in pool.serving()}
    for connection in runtime.connections.values():
        lease = connection.lease
        if (
            lease is not None
            and lease.backend in served
            and connection.phase is Phase.DATA
            and connection.ending is None
        ):
            served[lease.backend].append(connection)
    return served
