"""The commands that change listeners, the balancer and its counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.errors import OperationError
from trio_balancer.control.find import find_listener
from trio_balancer.control.haproxy.places import limit, nothing_after
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.control.haproxy.session import Session

DONE = ""


def enable(session: Session, words: Sequence[str]) -> str:
    """Open a listener's ports again."""
    gate = find_listener(session.balancer, _name(words))
    if not gate.bound:
        raise CommandError("Frontend was previously shut down, cannot enable.")
    if not gate.disabled:
        raise CommandError("Frontend is already enabled.")
    session.operations.enable_listener(_name(words))
    return DONE


def disable(session: Session, words: Sequence[str]) -> str:
    """Close a listener's ports; its connections stay."""
    gate = find_listener(session.balancer, _name(words))
    if not gate.bound:
        raise CommandError("Frontend was previously shut down, cannot disable.")
    if gate.disabled:
        raise CommandError("Frontend is already disabled.")
    session.operations.disable_listener(_name(words))
    return DONE


def shutdown(session: Session, words: Sequence[str]) -> str:
    """Stop a listener for good; its connections stay."""
    if not find_listener(session.balancer, _name(words)).bound:
        raise CommandError("Frontend was already shut down.")
    session.operations.shutdown_listener(_name(words))
    return DONE


def _name(words: Sequence[str]) -> str:
    if not words:
        raise CommandError("A frontend name is expected.")
    return words[0]


def max_connections(session: Session, words: Sequence[str]) -> str:
    """Limit a listener; 0 is no limit of its own."""
    name = _name(words)
    find_listener(session.balancer, name)
    session.operations.set_max_connections(limit(words[1:]) or None, listener=name)
    return DONE


def max_connections_of_all(session: Session, words: Sequence[str]) -> str:
    """Limit the balancer; 0 is the limit that the file gives, or what the open files allow."""
    wanted = limit(words) or session.balancer.config.balancer.max_connections
    try:
        session.operations.set_max_connections(wanted)
    except OperationError:
        raise CommandError("Value out of range.") from None
    return DONE


def rate_limit(_session: Session, words: Sequence[str]) -> str:
    """Refuse a rate for the whole process, as there is none; 0, no limit, is what holds."""
    what = words[0] if words else ""
    if what not in {"connections", "sessions"}:
        raise CommandError("'set rate-limit' supports 'connections', 'sessions'.")
    if words[1:2] != ["global"]:
        raise CommandError(f"'set rate-limit {what}' only supports 'global'.")
    if limit(words[2:]):
        raise CommandError("Rates are limited by listener: [listeners.NAME.access], rate.")
    return DONE


def clear_counters(session: Session, words: Sequence[str]) -> str:
    """Forget what was the most."""
    nothing_after(words)
    session.operations.clear_counters()
    return DONE


def clear_all_counters(session: Session, words: Sequence[str]) -> str:
    """Begin to count anew."""
    nothing_after(words)
    session.operations.clear_counters(everything=True)
    return DONE
