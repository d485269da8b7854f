"""All that an operator can do with a running balancer, by whatever way the wish arrives.

Every operation is one step: nobody sees half of it. It returns what `json.dumps` takes, or raises
OperationError and has changed nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.config import ConfigError
from trio_balancer.control.capacity import limit_connections, weigh_backend
from trio_balancer.control.choose import choose_connections
from trio_balancer.control.counters import clear_all, clear_peaks
from trio_balancer.control.drain import drain_backend, drain_balancer, drain_pool
from trio_balancer.control.errors import OperationError, bad_value
from trio_balancer.control.explain import explain_client
from trio_balancer.control.faults import add_fault, list_faults, remove_fault
from trio_balancer.control.find import (
    find_backend,
    find_listener,
    find_pool,
    parse_client,
)
from trio_balancer.control.listeners import set_disabled, shut_down
from trio_balancer.control.rebalance import RebalanceError, rebalance
from trio_balancer.control.reload import ReloadError
from trio_balancer.control.restart import NeedsRestartError
from trio_balancer.control.sessions import Endings, live_json
from trio_balancer.control.status import Json, take_status
from trio_balancer.flow.record import Who
from trio_balancer.policy import Admin

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from trio_balancer.balancer import Balancer
    from trio_balancer.config.model import Config
    from trio_balancer.control.difference import Changes
    from trio_balancer.control.history import ReloadHistory

#: How many connections a list has where nobody says.
SHOWN = 100
#: How many it can have: connections wait while a list of them is made.
MOST_SHOWN = 1000


class Operations:
    """The control room of one balancer; use it in the balancer's own trio loop.

    `config_file` is the path of its configuration, for people.
    """

    def __init__(self, balancer: Balancer, *, config_file: str | None = None) -> None:
        self.balancer = balancer
        self._config_file = config_file
        self._endings = Endings()
        balancer.runtime.observe(self._endings.add)

    @property
    def reloads(self) -> ReloadHistory:
        """What became of the reloads up to now."""
        return self.balancer.reloads

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

    # Change the configuration

    async def reload(self) -> Json:
        """Read the file again and take it over; raises OperationError (reload-failed)."""
        return await _reloaded(self.balancer.reload())

    async def amend(self, change: Callable[[Config], Config]) -> Json:
        """Take over what `change` makes of the configuration in force, until the next reload."""
        return await _reloaded(self.balancer.amend(change))

    def clear_counters(self, *, everything: bool = False) -> Json:
        """Forget the highest values, or with `everything` all that was counted."""
        if everything:
            clear_all(self.balancer)
        else:
            clear_peaks(self.balancer)
        self.balancer.log.info("Counters cleared by the operator", everything=everything)
        return {"everything": everything}

    # Drain

    def drain(
        self, pool: str | None = None, backend: str | None = None, over: float | None = None
    ) -> Json:
        """Drain a backend, a pool, or, with neither, the balancer, over so many seconds.

        Without `over`, nobody new comes from now on, and who is there may finish.
        """
        if pool is None and backend is not None:
            raise bad_value("a backend is named by its pool and its own name")
        if pool is None:
            return self.shutdown(over)
        found = find_pool(self.balancer, pool)
        if backend is None:
            drain_pool(self.balancer, found, over or 0.0)
        else:
            drain_backend(self.balancer, *find_backend(self.balancer, pool, backend), over or 0.0)
        return {"pool": pool, "backend": backend, "over": over}

    def shutdown(self, over: float | None = None) -> Json:
        """Stop the balancer: it accepts no more, and returns with its last connection.

        Without `over`, who is there may finish within `drain_timeout`; with it, they are ended
        evenly over so many seconds.
        """
        drain_balancer(self.balancer, over)
        return {"draining": True, "over": over}

    def rebalance(self, pool: str, over: float) -> Json:
        """End connections of overfull backends, over so many seconds, to come back elsewhere."""
        try:
            rebalance(self.balancer, find_pool(self.balancer, pool), over)
        except RebalanceError as error:
            raise bad_value(str(error)) from None
        return {"pool": pool, "over": over}

    # Backends

    def ready(self, pool: str, backend: str | None = None) -> Json:
        """Let a backend, or all of a pool, take connections again, as far as checks allow."""
        if backend is not None:
            return self._set_admin(pool, backend, Admin.READY)
        found = find_pool(self.balancer, pool)
        for each in found.backends:
            found.set_admin(each, Admin.READY, trio.current_time())
        return {"pool": pool, "backend": None, "state": None}

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
        return limit_connections(
            self.balancer, value, listener=listener, pool=pool, backend=backend
        )

    # Listeners

    def disable_listener(self, name: str) -> Json:
        """Let a listener's ports refuse clients; who is there stays."""
        return set_disabled(self.balancer, name, disabled=True)

    def enable_listener(self, name: str) -> Json:
        """Let a listener accept again, unless its pools are down and it closes for that."""
        return set_disabled(self.balancer, name, disabled=False)

    def shutdown_listener(self, name: str) -> Json:
        """Let go of a listener's ports, until the next reload; who is there stays."""
        return shut_down(self.balancer, name)

    # Faults: all raise OperationError (faults-off) where nothing may be broken

    def faults(self) -> list[Json]:
        """Describe all faults, in the order in which they work."""
        return list_faults(self.balancer)

    def add_fault(self, on: str, fault: Mapping[str, object]) -> Json:
        """Add a fault, with the keys of the file, to "listeners.NAME" or "pools.NAME"."""
        return add_fault(self.balancer, on, fault)

    def remove_fault(self, on: str, name: str) -> Json:
        """Take a fault away: what it holds goes on at once."""
        return remove_fault(self.balancer, on, name)

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
        found = choose_connections(
            self.balancer, number=connection, pool=pool, backend=backend, client=client
        )
        for each in found:
            each.end(Who.KILLED, "ended by the operator")
        self.balancer.log.info("Connections ended by the operator", ended=len(found))
        return {"ended": len(found)}


async def _reloaded(reload: Coroutine[object, object, Changes]) -> Json:
    try:
        return {"changes": str(await reload)}
    except NeedsRestartError as error:
        raise OperationError("needs-restart", str(error)) from None
    except OSError as error:
        raise OperationError("reload-failed", error.strerror or str(error)) from None
    except (ConfigError, ReloadError) as error:
        raise OperationError("reload-failed", str(error)) from None


def _count(limit: int) -> int:
    if isinstance(limit, bool) or not 0 <= limit <= MOST_SHOWN:
        raise bad_value(f"the limit of a list is a whole number from 0 to {MOST_SHOWN}")
    return limit
