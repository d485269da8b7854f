"""Admit a client or turn it away: access rules, before anything is dialled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.record import Phase, Who
from trio_balancer.flow.settle import settle

if TYPE_CHECKING:
    from trio_balancer.flow.live import Connection, Runtime

# The share of the connections, of the listener and of all, that may be in the tarpit: each holds
# a token there.
TARPIT_SHARE = 0.05

# Why a client is turned away, in one word, beside the refusals of the access rules.
OVERFLOW = "overflow"
UNTRUSTED = "untrusted"
BAD_HEADER = "proxy-header"
BAD_TLS = "tls"
NO_ROUTE = "no-route"
NOT_REDIRECTED = "not-redirected"


def screen(connection: Connection) -> bool:
    """Turn away at once whom nothing more needs to be heard of; say whether it is to be served.

    In the accept loop: a refused client costs no task. One for the tarpit is served, there.
    """
    trust = connection.terms.trust
    if trust is None:
        allowed = ask_access_rules(connection)
    elif trust.trusts(connection.client_address):
        return True  # The rules are for the client that the header announces.
    else:
        allowed = False
        turn_away(connection, UNTRUSTED, "not trusted to send a PROXY header")
    if allowed or connection.phase is Phase.TARPIT:
        return True
    settle(connection)
    return False


def ask_access_rules(connection: Connection) -> bool:
    """Ask the listener's rules about the client, and count it there if they admit it.

    A refused one has its ending, unless it is to be kept in the tarpit first.
    """
    access = connection.listener.access
    if access is None:
        return True
    client = connection.client_address
    refusal = access.admit(client, trio.current_time(), connection.runtime.wall_clock())
    connection.admitted = refusal is None
    if refusal is None:
        return True
    if _has_tarpit(connection):
        connection.phase = Phase.TARPIT
        connection.runtime.tarpitted += 1
        connection.listener.tarpitted += 1
        _count(connection, refusal.value)
        connection.reason = refusal.sentence
    else:
        turn_away(connection, refusal.value, refusal.sentence)
    return False


async def sit_in_tarpit(connection: Connection) -> None:
    """Keep a refused client waiting, which costs it more than us; then it is reset."""
    config = connection.listener.config.access
    if config is not None:
        await trio.sleep(config.tarpit)
    connection.end(Who.POLICY, connection.reason)


def empty_tarpit(runtime: Runtime) -> None:
    """Reset who sits in the tarpit: nobody else is to wait for them."""
    for connection in list(runtime.connections.values()):
        if connection.phase is Phase.TARPIT:
            connection.cancel()


def refuse(connection: Connection, word: str, reason: str) -> None:
    """Reset a client that no rule was asked about."""
    turn_away(connection, word, reason)
    settle(connection)


def _has_tarpit(connection: Connection) -> bool:
    """Say whether the client is kept waiting: where that is wished, and there is room for it."""
    listener, runtime = connection.listener, connection.runtime
    config = listener.config.access
    if config is None or not config.tarpit:
        return False
    return all(
        tarpitted + 1 <= _most_in_tarpit(limiter)
        for limiter, tarpitted in (
            (runtime.limiter, runtime.tarpitted),
            (listener.limiter, listener.tarpitted),
        )
    )


def _most_in_tarpit(limiter: trio.CapacityLimiter) -> float:
    """Return the share of the tokens; of a few one, but never the only one there is."""
    if limiter.total_tokens == 1:
        return 0
    return max(1, limiter.total_tokens * TARPIT_SHARE)


def turn_away(connection: Connection, word: str, reason: str) -> None:
    """End a client's connection before it has a pool, and count it by the reason, in one word."""
    _count(connection, word)
    connection.end(Who.POLICY, reason)


def _count(connection: Connection, word: str) -> None:
    connection.refusal = word
    for totals in (connection.runtime.totals, connection.listener.totals):
        totals.refused += 1
        totals.refusals[word] += 1
