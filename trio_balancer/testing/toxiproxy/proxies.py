"""Proxies: each is a listener and a pool, of the same name unless the file says otherwise."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, final

import attrs

from trio_balancer.config.model import Config, ListenerConfig, PoolConfig
from trio_balancer.config.model_health import CheckType, HealthConfig
from trio_balancer.config.problems import ConfigError
from trio_balancer.control.reload import ReloadError
from trio_balancer.flow.bind import BindError
from trio_balancer.flow.record import Who
from trio_balancer.testing.toxiproxy.addresses import joined, keep_known, read_listen
from trio_balancer.testing.toxiproxy.errors import (
    ApiError,
    bad_body,
    cannot_bind,
    no_proxy,
    proxy_exists,
)
from trio_balancer.testing.toxiproxy.toxics import Toxics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trio_balancer.balancer import Balancer
    from trio_balancer.config.model import BackendConfig
    from trio_balancer.control.faults import Json
    from trio_balancer.flow.gate import Gate
    from trio_balancer.testing.toxiproxy.bodies import ProxyChange, ProxyWish
    from trio_balancer.wire.address import SocketAddress

    Bind = tuple[SocketAddress, ...]
    Backends = tuple[BackendConfig, ...]


@final
class Proxies:
    """The proxies of a balancer, which must allow faults."""

    def __init__(self, balancer: Balancer) -> None:
        if balancer.faults is None:
            raise ValueError("nothing may be broken here: the balancer was started without faults")
        self.balancer = balancer
        self.toxics = Toxics(balancer.faults)

    def add_to(self, config: Config) -> Config:
        """Return a configuration that was read anew, with the proxies that the API has made.

        Where the file now has a listener or a pool of such a name, the file's is the one.
        """
        now = self.balancer.config
        made = [name for name, each in now.listeners.items() if each.made_by_api]
        kept = [name for name in made if name not in {*config.listeners, *config.pools}]
        return attrs.evolve(
            config,
            listeners={**config.listeners, **{name: now.listeners[name] for name in kept}},
            pools={**config.pools, **{name: now.pools[name] for name in kept}},
        )

    # Look

    def describe_all(self) -> dict[str, Json]:
        """Describe all proxies, by their names."""
        return {name: self.describe(name) for name in self.balancer.gates}

    def describe(self, name: str) -> Json:
        """Describe one; raises ApiError."""
        gate = self._find(name)
        return {
            "name": name,
            "listen": joined(_addresses(gate)),
            "upstream": joined(each.address for each in self._backends(gate)),
            "enabled": not gate.disabled,
            "toxics": self.toxics.describe_all(name),
        }

    def _find(self, name: str) -> Gate:
        gate = self.balancer.gates.get(name)
        if gate is None:
            raise no_proxy()
        return gate

    def _backends(self, gate: Gate) -> Backends:
        pool = gate.listener.config.pool
        return () if pool is None else self.balancer.config.pools[pool].backends

    # Change; whatever raises ApiError has changed nothing

    async def create(self, wish: ProxyWish) -> None:
        """Make a proxy, with its toxics before its first client; raises ApiError."""
        bind = await read_listen(wish.listen, self.balancer.runtime.network)
        await self._amend(partial(_with_new, wish=wish, bind=bind), bind)
        # Nobody was accepted yet: there was no checkpoint since the listener was opened.
        self._equip(wish)

    async def replace(self, wish: ProxyWish) -> None:
        """Make a proxy, or another one of that name; one that is as wished is not touched."""
        if wish.name not in self.balancer.gates:
            await self.create(wish)
            return
        bind = await read_listen(wish.listen, self.balancer.runtime.network)
        if self._is_like(self._find(wish.name), bind, wish.backends):
            return
        change = partial(_with_other, name=wish.name, bind=bind, backends=wish.backends)
        await self._amend(change, bind)
        self._end_connections(wish.name, "the proxy was replaced")
        self.toxics.clear(wish.name)
        self._equip(wish)

    async def update(self, name: str, change: ProxyChange) -> None:
        """Change a proxy; another address on either side ends its connections."""
        gate, bind, backends = self._find(name), None, change.backends
        if change.listen is not None:
            bind = await read_listen(change.listen, self.balancer.runtime.network)
        if not self._is_like(gate, bind, backends):
            amended = partial(_with_other, name=name, bind=bind, backends=backends)
            await self._amend(amended, bind)
            self._end_connections(name, "the proxy was changed")
        if change.enabled is not None:
            self._enable(name, enabled=change.enabled)

    async def delete(self, name: str) -> None:
        """Remove a proxy, its toxics and its connections; raises ApiError."""
        self._find(name)
        await self._amend(partial(_without, name=name))
        self._end_connections(name, "the proxy was deleted")

    def reset(self) -> None:
        """Enable all proxies, and take all toxics away, also those of pools."""
        for name in self.balancer.gates:
            self._enable(name, enabled=True)
        self.toxics.book.reset()

    def _is_like(self, gate: Gate, bind: Bind | None, backends: Backends | None) -> bool:
        """Whether a proxy is there, and where, as wished; None: anything is."""
        # As it was asked for, or as it is: the kernel may have picked the port.
        known = (joined(gate.listener.config.bind), joined(_addresses(gate)))
        same_bind = bind is None or joined(bind) in known
        upstream = joined(each.address for each in self._backends(gate))
        return same_bind and (
            backends is None or joined(each.address for each in backends) == upstream
        )

    async def _amend(self, change: Callable[[Config], Config], bind: Bind | None = None) -> None:
        try:
            await self.balancer.amend(change)
        except BindError as error:
            raise cannot_bind(joined(bind or ()), error) from None
        except OSError as error:
            raise ApiError(500, error.strerror or str(error)) from None
        except (ConfigError, ReloadError) as error:
            raise ApiError(500, str(error)) from None

    def _equip(self, wish: ProxyWish) -> None:
        self._enable(wish.name, enabled=wish.enabled)
        for toxic in wish.toxics:
            self.toxics.add(wish.name, toxic)

    def _enable(self, name: str, *, enabled: bool) -> None:
        """Accept clients, or refuse them and end those that are there; the port stays ours."""
        self._find(name).set_disabled(disabled=not enabled)
        if not enabled:
            self._end_connections(name, "the proxy was disabled")

    def _end_connections(self, name: str, reason: str) -> None:
        """Close all of a proxy's connections, as Toxiproxy does; it resets none of them."""
        for connection in list(self.balancer.runtime.connections.values()):
            if connection.listener.name == name and connection.ending is None:
                connection.closes = True
                connection.end(Who.KILLED, reason)


def _addresses(gate: Gate) -> Iterable[object]:
    """Return where it listens; where it would, while an operator has shut it down."""
    return [each.address for each in gate.sockets] or gate.listener.config.bind


def _with_new(config: Config, *, wish: ProxyWish, bind: Bind) -> Config:
    if wish.name in config.listeners or wish.name in config.pools:
        raise proxy_exists()
    # Nothing but toxics disturbs: no timeout of ours, no check, each upstream tried once.
    listener = ListenerConfig(
        wish.name,
        bind,
        wish.name,
        idle_timeout=math.inf,
        half_close_timeout=math.inf,
        made_by_api=True,
    )
    health = HealthConfig(type=CheckType.NONE)
    pool = PoolConfig(wish.name, wish.backends, connect_attempts=None, health=health)
    return attrs.evolve(
        config,
        listeners={**config.listeners, wish.name: listener},
        pools={**config.pools, wish.name: pool},
    )


def _with_other(
    config: Config, *, name: str, bind: Bind | None, backends: Backends | None
) -> Config:
    listener = config.listeners.get(name)
    if listener is None:
        raise no_proxy()
    if bind is not None:
        listener = attrs.evolve(listener, bind=bind)
    config = attrs.evolve(config, listeners={**config.listeners, name: listener})
    return config if backends is None else _with_backends(config, listener, backends)


def _with_backends(config: Config, listener: ListenerConfig, backends: Backends) -> Config:
    if listener.pool is None:
        raise bad_body("upstream: this listener's routes choose among its pools, in the file")
    pool = config.pools[listener.pool]
    pool = attrs.evolve(pool, backends=keep_known(backends, pool.backends))
    return attrs.evolve(config, pools={**config.pools, pool.name: pool})


def _without(config: Config, *, name: str) -> Config:
    if name not in config.listeners:
        raise no_proxy()
    listeners = {key: each for key, each in config.listeners.items() if key != name}
    # A pool of another name is the file's, and so is one that others lead to as well.
    used = {each.pool for each in listeners.values()}
    used |= {route.pool for each in listeners.values() for route in each.routes}
    pools = {key: each for key, each in config.pools.items() if key != name or key in used}
    return attrs.evolve(config, listeners=listeners, pools=pools)
