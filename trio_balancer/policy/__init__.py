"""The decisions of a pool: pure, synchronous, and given the time.

`pool.py` tells the story; the other files hold one rule each.
"""

from __future__ import annotations

from trio_balancer.policy.backend import Backend
from trio_balancer.policy.change import Change
from trio_balancer.policy.lease import Lease
from trio_balancer.policy.line import Line, Ticket
from trio_balancer.policy.pool import Pool
from trio_balancer.policy.rise_fall import RiseFall
from trio_balancer.policy.state import Admin, State, Unavailable
from trio_balancer.policy.statistics import BackendStatistics, LastCheck, PoolStatistics

__all__ = [
    "Admin",
    "Backend",
    "BackendStatistics",
    "Change",
    "LastCheck",
    "Lease",
    "Line",
    "Pool",
    "PoolStatistics",
    "RiseFall",
    "State",
    "Ticket",
    "Unavailable",
]
