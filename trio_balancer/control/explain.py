"""What would become of a client: admitted or not, to which pool and backend, and why."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import trio

from trio_balancer.policy import Lease, Line, State
from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from trio_balancer.control.status import Json
    from trio_balancer.flow.listener import ListenerState
    from trio_balancer.flow.live import Runtime
    from trio_balancer.policy import Backend, Pool, Unavailable
    from trio_balancer.policy.access import Decision
    from trio_balancer.wire.address import SocketAddress


def explain_client(
    runtime: Runtime, listener: ListenerState, client: SocketAddress, server_name: str | None
) -> Json:
    """Explain what would become of a client that came now; nothing is counted or changed.

    `server_name` is what it asks for by TLS, where that decides on the pool.
    """
    decision = _decide(runtime, listener, client)
    admitted = decision is None or decision.refusal is None
    told: Json = {
        "client": _shown(client),
        "listener": listener.name,
        "admitted": admitted,
        "access": "no access rules" if decision is None else str(decision),
        "notes": _notes(runtime, listener),
        "pool": None,
        "backend": None,
    }
    if not admitted:
        return told | {"why": "it is refused"}
    pool = _pool_of(listener, server_name)
    if pool is None:
        return told | {"why": _no_pool(server_name)}
    return told | _explain_choice(runtime.pools[pool], client)


def _shown(client: SocketAddress) -> str:
    """Write an address, without a port where none was given."""
    return client.host if isinstance(client, InetAddress) and not client.port else str(client)


def _decide(runtime: Runtime, listener: ListenerState, client: SocketAddress) -> Decision | None:
    if listener.access is None:
        return None
    return listener.access.explain(client, trio.current_time(), runtime.wall_clock())


def _notes(runtime: Runtime, listener: ListenerState) -> list[str]:
    """Say what else decides, which an address alone does not tell."""
    notes = []
    if listener.terms.trust is not None:
        notes.append("the address is the one that a PROXY header announces")
    if listener.limiter.available_tokens <= 0:
        notes.append("the listener has as many connections as it may have")
    if runtime.limiter.available_tokens <= 0:
        notes.append("the balancer has as many connections as it may have")
    return notes


def _pool_of(listener: ListenerState, server_name: str | None) -> str | None:
    if listener.terms.routes is None:
        return listener.config.pool
    chosen = listener.terms.routes.choose(server_name, (), plain=server_name is None)
    return listener.config.pool if chosen is None else chosen


def _no_pool(server_name: str | None) -> str:
    if server_name is None:
        return "no route is for clients without TLS; name the server that it asks for"
    return "no route is for this server name"


def _explain_choice(pool: Pool, client: SocketAddress) -> Json:
    choice = preview(pool, client)
    told: Json = {
        "pool": pool.name,
        "policy": pool.config.policy.value,
        "backends": [_candidate(backend) for backend in pool.backends],
    }
    if isinstance(choice, str):
        return told | {"backend": choice, "why": f"the choice of {pool.config.policy.value}"}
    return told | {"why": _WHY_NOBODY[choice.value]}


_WHY_NOBODY = {
    "down": "no backend of the pool is up",
    "full": "every backend that is up has as many connections as it may have",
}


def preview(pool: Pool, client: SocketAddress) -> str | Unavailable:
    """Return the backend that the client would get now, by asking a copy of the pool.

    So its turns, counts and random numbers stay as they are.
    """
    # Who waits in line is not copied, and values need not be.
    kept = [pool.config, *(backend.config for backend in pool.backends)]
    known: dict[int, object] = {id(each): each for each in kept}
    known[id(pool.line)] = Line(0)
    twin = copy.deepcopy(pool, known)
    choice = twin.lease(client, trio.current_time())
    return choice.backend.name if isinstance(choice, Lease) else choice


def _candidate(backend: Backend) -> Json:
    return {
        "name": backend.name,
        "state": backend.state.value,
        "reason": backend.reason,
        "weight": backend.weight,
        "backup": backend.backup,
        "active": backend.active,
        "available": backend.state is State.UP
        and backend.weight > 0
        and backend.active < backend.limit,
    }
