"""The terms on which a listener serves a client, from accept to end.

A reload makes new ones; who was accepted before keeps those that it began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import attrs

from trio_balancer.config.model import ListenerConfig
from trio_balancer.filters import ListenerFilters
from trio_balancer.network.seam import SocketOptions
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.policy import Pool, State
from trio_balancer.policy.routes import Routes
from trio_balancer.policy.trust import Trust


@attrs.frozen(eq=False)
class Terms:
    """A listener's configuration and all that was made of it; None where it wants none.

    `pools` has at least those that it leads to, by name.
    """

    config: ListenerConfig
    pools: Mapping[str, Pool]
    tls: ServerTls | None = None
    filters: ListenerFilters | None = None
    trust: Trust | None = attrs.field(init=False)
    routes: Routes | None = attrs.field(init=False)

    @trust.default
    def _make_trust(self) -> Trust | None:
        config = self.config.proxy_protocol
        return None if config is None else Trust(config)

    @routes.default
    def _make_routes(self) -> Routes | None:
        return Routes(self.config.routes) if self.config.routes else None

    @cached_property
    def options(self) -> SocketOptions:
        """What both legs of its connections are given."""
        return SocketOptions(self.config.keepalive, self.config.user_timeout)

    @property
    def greets(self) -> bool:
        """Whether a client is heard before its pool is known."""
        return self.trust is not None or self.tls is not None or self.routes is not None

    def is_served(self) -> bool:
        """Whether any pool that it leads to has a backend that is up."""
        names = [self.config.pool, *(route.pool for route in self.config.routes)]
        pools = [self.pools[name] for name in names if name is not None]
        return any(backend.state is State.UP for pool in pools for backend in pool.backends)
