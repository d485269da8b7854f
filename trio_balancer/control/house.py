"""What a reload works on: all that runs, and the configuration that is to take it over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import Config, PoolConfig
from trio_balancer.control.sockets import SocketPlan
from trio_balancer.filters import ListenerFilters
from trio_balancer.flow.bind import Bound
from trio_balancer.flow.gates import Gates
from trio_balancer.flow.live import Runtime
from trio_balancer.flow.log_sink import LogSink
from trio_balancer.health.service import Watchers
from trio_balancer.policy import Pool
from trio_balancer.prepare import Prepared

if TYPE_CHECKING:
    from trio_balancer.flow.leg import Leg

#: Pools that are remembered after they have left, with their counts.
MOST_DEPARTED = 1000


@attrs.define(eq=False)
class House:
    """A running balancer with everybody in it."""

    runtime: Runtime
    gates: Gates
    watchers: Watchers
    #: Makes a pool whose changes are told to everybody.
    make_pool: Callable[[PoolConfig], Pool]
    #: Connections that the file allows; an operator may have set another limit.
    limit: int
    #: Whether the log goes where the file says, not where the caller of `serve` wants it.
    owns_log: bool
    #: What was in the files of TLS when they were loaded; see `tls_files.py`.
    files: Mapping[str, bytes] = attrs.Factory(dict)

    def found_pool(self, config: PoolConfig, legs: Mapping[str, Leg]) -> Pool:
        """Enter a pool that is not there; one that was there before goes on counting."""
        pool = self.runtime.departed.pop(config.name, None)
        if pool is None:
            pool = self.make_pool(config)
        else:
            # Nothing is known of its backends any more: they leave and join again.
            now = trio.current_time()
            pool.reconfigure(attrs.evolve(config, backends=()), now)
            pool.reconfigure(config, now)
        self.runtime.pools[pool.name] = pool
        self.set_leg(pool.name, legs)
        return pool

    def set_leg(self, pool: str, legs: Mapping[str, Leg]) -> None:
        """Let new connections to the backends of a pool begin as these say."""
        self.runtime.legs.pop(pool, None)
        if pool in legs:
            self.runtime.legs[pool] = legs[pool]

    def retire_pool(self, name: str) -> None:
        """Strike a pool out; who is on the way to it gets there, as it was.

        Who left long ago is forgotten, so that names made up for every deployment do not add up.
        """
        departed = self.runtime.departed
        departed[name] = self.runtime.pools.pop(name)
        for each in list(departed)[:-MOST_DEPARTED]:
            if not departed[each].active:
                del departed[each]
                self.runtime.legs.pop(each, None)


@attrs.frozen(eq=False)
class Draft:
    """A configuration with all that was opened, loaded and bound for it.

    `filters` are those that have changed, and `sink` is the log's, None for the one in use.
    `fresh` grows as sockets are bound.
    """

    config: Config
    limit: int
    prepared: Prepared
    filters: Mapping[str, ListenerFilters]
    sink: LogSink | None
    plan: SocketPlan
    fresh: list[Bound] = attrs.Factory(list)
