"""The commands that change backends: their state, weight, limits and sessions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import trio

from trio_balancer.control.errors import OperationError
from trio_balancer.control.haproxy.places import limit, nothing_after, place, server, session_number
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_balancer.control.haproxy.session import Session

DONE = ""

_WEIGHT = re.compile(r"-?[0-9]{1,9}%?\Z", re.ASCII)
_NO_AGENT = "agent checks are not enabled on this server."


def set_weight(session: Session, words: Sequence[str]) -> str:
    """Set a backend's weight, absolute or as a percentage of the configured one."""
    server(session.balancer, words)
    if len(words) < 2 or not _WEIGHT.match(words[1]):  # noqa: PLR2004 - the place, and the weight
        raise CommandError("Require <weight> or <weight%>.")
    weight = words[1] if words[1].endswith("%") else int(words[1])
    try:
        session.operations.set_weight(*place(words), weight)
    except OperationError:
        text = "Absolute weight can only be between 0 and 256 inclusive."
        raise CommandError(text) from None
    return DONE


def set_server(session: Session, words: Sequence[str]) -> str:
    """Change one thing about a backend."""
    server(session.balancer, words)
    what = words[1] if len(words) > 1 else ""
    change = _CHANGES.get(what)
    if change is None:
        known = "', '".join(_CHANGES)
        raise CommandError(f"'set server <srv>' only supports '{known}' and 'addr'.")
    return change(session, [words[0], *words[2:]])


def _set_state(session: Session, words: Sequence[str]) -> str:
    operations = session.operations
    wishes = {
        "ready": operations.ready,
        "drain": operations.drain,
        "maint": operations.maintenance,
    }
    if len(words) < 2 or words[1] not in wishes:  # noqa: PLR2004 - the place, and the state
        raise CommandError("'set server <srv> state' expects 'ready', 'drain' and 'maint'.")
    wishes[words[1]](*place(words))
    return DONE


def _set_health(session: Session, words: Sequence[str]) -> str:
    """Take the operator's word for the checks, until the next ones change it."""
    word = words[1] if len(words) > 1 else ""
    pool, backend = server(session.balancer, words)
    if word == "stopping":
        raise CommandError("'stopping' is not supported: use 'set server <srv> state drain'.")
    if word not in {"up", "down"}:
        raise CommandError("'set server <srv> health' expects 'up', 'stopping', or 'down'.")
    if not backend.health.checked:
        raise CommandError("Health checks are not configured on this server.")
    pool.set_health(backend, up=word == "up", now=trio.current_time())
    return DONE


def _set_agent(_session: Session, words: Sequence[str]) -> str:
    if words[1:] not in (["up"], ["down"]):
        raise CommandError("'set server <srv> agent' expects 'up' or 'down'.")
    raise CommandError(_NO_AGENT)


_CHANGES: dict[str, Callable[[Session, Sequence[str]], str]] = {
    "agent": _set_agent,
    "health": _set_health,
    "state": _set_state,
    "weight": set_weight,
}


def enable_server(session: Session, words: Sequence[str]) -> str:
    """Let a backend take connections again."""
    session.operations.ready(*place(words))
    return DONE


def disable_server(session: Session, words: Sequence[str]) -> str:
    """Take a backend out of service."""
    session.operations.maintenance(*place(words))
    return DONE


def enable_health(session: Session, words: Sequence[str]) -> str:
    """Confirm that a backend is checked: checks are always on where they are configured."""
    if not server(session.balancer, words)[1].health.checked:
        raise CommandError("Health checks are not configured on this server, cannot enable.")
    return DONE


def disable_health(session: Session, words: Sequence[str]) -> str:
    """Refuse, and say what to do instead."""
    server(session.balancer, words)
    raise CommandError('Health checks cannot be disabled: set their type to "none", and reload.')


def no_agent(session: Session, words: Sequence[str]) -> str:
    """Refuse: there are no agents."""
    server(session.balancer, words)
    raise CommandError("Agent was not configured on this server, cannot enable.")


def max_connections_of_server(session: Session, words: Sequence[str]) -> str:
    """Limit a backend; 0 is no limit."""
    pool, backend = place(words)
    server(session.balancer, words)
    session.operations.set_max_connections(limit(words[1:]) or None, pool=pool, backend=backend)
    return DONE


def shutdown_session(session: Session, words: Sequence[str]) -> str:
    """End one connection."""
    session.operations.kick(connection=session_number(words))
    return DONE


def shutdown_sessions_of_server(session: Session, words: Sequence[str]) -> str:
    """End all connections of a backend."""
    pool, backend = place(words)
    nothing_after(words[1:])
    session.operations.kick(pool=pool, backend=backend)
    return DONE
