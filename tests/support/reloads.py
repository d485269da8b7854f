"""Configurations to reload to, and what became of those before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from support.world import World

    from trio_balancer import Config
    from trio_balancer.policy import Backend, Pool


def renamed(old: str, new: str, config: Config) -> Config:
    """Give a listener or a pool another name, wherever it is named."""
    listeners = {
        _other_name(name, old, new): attrs.evolve(
            listener,
            name=_other_name(name, old, new),
            pool=_other_name(str(listener.pool), old, new),
        )
        for name, listener in config.listeners.items()
    }
    pools = {
        _other_name(name, old, new): attrs.evolve(pool, name=_other_name(name, old, new))
        for name, pool in config.pools.items()
    }
    return attrs.evolve(config, listeners=listeners, pools=pools)


def _other_name(name: str, old: str, new: str) -> str:
    return new if name == old else name


def pool_of(world: World, name: str = "app") -> Pool:
    """Find a pool that is in force."""
    return world.runtime.pools[name]


def backend_at(world: World, address: object, pool: str = "app") -> Backend:
    """Find the backend of a pool that is at this address now."""
    return next(each for each in pool_of(world, pool).backends if each.address == address)
