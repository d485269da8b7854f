"""All that an operator can do with a running balancer, by whatever way the wish arrives.

Every operation is one step: nobody sees half of it. It returns what `json.dumps` takes, or raises
OperationError and has changed nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from trio_balancer.config import ConfigError
from trio_balancer.config.problems import shown
from trio_balancer.control.capacity import (
    limit_backend,
    limit_balancer,
    limit_listener,
    weigh_backend,
)
from trio_balancer.control.errors import OperationError, bad_value
from trio_balancer.control.explain import explain_client
from trio_balancer.control.find import (
    find_backend,
    find_connection,
    find_listener,
    find_pool,
    is_client,
    parse_client,
)
from trio_balancer.control.history import ReloadHistory
from trio_balancer.control.sessions import Endings, live_json
from trio_balancer.control.status import Json, take_status
from trio_balancer.flow.record import Who
from trio_balancer.policy import Admin

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.balancer import Balancer
    from trio_balancer.config.model import Config
    from trio_balancer.flow.live import Connection

#: How many connections a list has where nobody says.
SHOWN = 100


class Operations:
    """The control room of one balancer; use it in the balancer's own trio loop.

    `load` reads the configuration once more, for `reload`; it raises ConfigError. `config_file`
    is its path, for people.
    """

    def __init__(
        self,
        balancer: Balancer,
        *,
        load: Callable[[], Config] | None = None,
        config_file: str | None = None,
    ) -> None:
        self.balancer = balancer
        self.reloads = ReloadHistory()
        self._load = load
        self._config_file = config_file
        self._endings = Endings()
        balancer.runtime.observe(self._endings.add)

    # Look

    def status(self) -> Json:
        """Describe everything: see `status.py`."""
        return take_status(self.balancer, self.reloads, self._config_file)

    def connections(self, limit: int = SHOWN) -> list[Json]:
        """Describe live connections, oldest first."""
        return live_json(self.balancer.runtime.connections.values(), _count(limit))

    def endings(self, limit: int = SHOWN) -> list[Json]:
        """Describe the latest finished connections, newest first, with the log's keys."""
        return self._endings.latest(_count(limit))

    def explain(self, client: str, listener: str, server_name: str | None = None) -> Json:
        """Say whether a client would be admitted, to which backend it would go, and why."""
        gate = find_listener(self.balancer, listener)
        return explain_client(
            self.balancer.runtime, gate.listener, parse_client(client), server_name
        )

    # Backends

    def ready(self, pool: str, backend: str) -> Json:
        """Let a backend take connections again, as far as its checks allow."""
        return self._set_admin(pool, backend, Admin.READY)

    def maintenance(self, pool: str, backend: str) -> Json:
        """Take a backend out of service; its connections stay."""
        return self._set_admin(pool, backend, Admin.MAINTENANCE)

    def _set_admin(self, pool: str, backend: str, admin: Admin) -> Json:
        found, chosen = find_backend(self.balancer, pool, backend)
        found.set_admin(chosen, admin, trio.current_time())
        return {"pool": pool, "backend": backend, "state": chosen.state.value}

    def set_weight(self, pool: str, backend: str, weight: int | str) -> Json:
        """Set a weight: 0 to 256, or "50%" of the configured one."""
        return weigh_backend(self.balancer, pool, backend, weight)

    def set_max_connections(
        self,
        value: int | None,
        *,
        listener: str | None = None,
        pool: str | None = None,
        backend: str | None = None,
    ) -> Json:
        """Limit a listener, a backend, or, with neither, the balancer; None: no limit.

        Nobody who is there is cut.
        """
        if listener is not None and (pool is not None or backend is not None):
            raise bad_value("name a listener or a backend, not both")
        if listener is not None:
            return limit_listener(self.balancer, listener, value)
        if pool is not None and backend is not None:
            return limit_backend(self.balancer, pool, backend, value)
        if pool is not None or backend is not None:
            raise bad_value("a backend is named by its pool and its own name")
        return limit_balancer(self.balancer, value)

    # Connections

    def kick(
        self,
        *,
        connection: int | None = None,
        pool: str | None = None,
        backend: str | None = None,
        client: str | None = None,
    ) -> Json:
        """End the connections to which all that is given applies; something must be."""
        found = self._select(connection, pool, backend, client)
        for each in found:
            each.end(Who.KILLED, "ended by the operator")
        self.balancer.log.info("Connections ended by the operator", ended=len(found))
        return {"ended": len(found)}

    def _select(
        self, number: int | None, pool: str | None, backend: str | None, client: str | None
    ) -> list[Connection]:
        if number is None and pool is None and client is None:
            raise bad_value("say which connections: by number, pool, backend or client")
        live = self.balancer.runtime.connections.values()
        found = list(live) if number is None else [find_connection(self.balancer, number)]
        if pool is not None:
            found = self._of_pool(found, pool, backend)
        elif backend is not None:
            raise bad_value("a backend is named by its pool and its own name")
        if client is not None:
            wanted = parse_client(client)
            found = [each for each in found if is_client(each.client_address, wanted)]
        return found

    def _of_pool(
        self, connections: list[Connection], pool: str, backend: str | None
    ) -> list[Connection]:
        if backend is None:
            within = find_pool(self.balancer, pool)
            return [each for each in connections if each.pool is within]
        chosen = find_backend(self.balancer, pool, backend)[1]
        return [each for each in connections if each.lease and each.lease.backend is chosen]


def _count(limit: int) -> int:
    if isinstance(limit, bool) or limit < 0:
        raise bad_value("a limit is a whole number of at least 0")
    return limit
