"""What commands are about: "pool/backend", a session, a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.find import find_backend
from trio_balancer.wire.haproxy_reply import CommandError
from trio_balancer.wire.haproxy_stat_query import parse_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.balancer import Balancer
    from trio_balancer.policy import Backend, Pool

_REQUIRED = "Require 'backend/server'."


def place(words: Sequence[str]) -> tuple[str, str]:
    """Return the names of a pool and a backend; raises CommandError."""
    pool, slash, backend = words[0].partition("/") if words else ("", "", "")
    if not slash or not pool or not backend:
        raise CommandError(_REQUIRED)
    return pool, backend


def server(balancer: Balancer, words: Sequence[str]) -> tuple[Pool, Backend]:
    """Return the backend that is named; raises CommandError and OperationError."""
    return find_backend(balancer, *place(words))


def session_number(words: Sequence[str]) -> int:
    """Parse a session's number, "0x1f" as `show sess` writes it, or decimal."""
    if not words:
        raise CommandError("Session pointer expected (use 'show sess').")
    try:
        return int(words[0], 0)
    except ValueError:
        raise CommandError("No such session (use 'show sess').") from None


def limit(words: Sequence[str]) -> int:
    """Parse a limit of connections, from 0 on; raises CommandError."""
    if not words:
        raise CommandError("Integer value expected.")
    number = parse_integer(words[0])
    if number < 0:
        raise CommandError("Value out of range.")
    return number


def nothing_after(words: Sequence[str]) -> None:
    """Refuse words that nobody would look at."""
    if words:
        raise CommandError(f"Unexpected argument '{words[0]}'.")
