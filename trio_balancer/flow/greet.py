"""From accept until the pool is known: PROXY header, access rules, TLS, SNI.

One absolute deadline holds for all that the client has to say; no byte re-arms it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.admit import (
    BAD_HEADER,
    BAD_TLS,
    NO_ROUTE,
    NOT_REDIRECTED,
    ask_access_rules,
    sit_in_tarpit,
    turn_away,
)
from trio_balancer.flow.faulting import meet_faults_at_accept
from trio_balancer.flow.live import Greeting
from trio_balancer.flow.record import Phase, Who
from trio_balancer.network.errors import describe
from trio_balancer.network.seam import PeerReset
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.wire.client_hello import ClientHelloError, HelloReader, NotTlsError
from trio_balancer.wire.proxy_protocol import ProxyProtocolError, parse_header

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio_balancer.flow.live import Connection
    from trio_balancer.policy import Pool

    Step = Callable[[Connection, Greeting], Awaitable[bool]]


async def greet(connection: Connection) -> Pool | None:
    """Return the pool that is to serve a client; None: the connection has its ending."""
    terms = connection.terms
    if connection.phase is Phase.TARPIT:
        await sit_in_tarpit(connection)
        return None
    if terms.trust is not None and not await _hear_announced_client(connection):
        return None
    faults = connection.faults
    if faults is not None and not await meet_faults_at_accept(connection, faults):
        return None
    look = _read_hello if terms.routes is not None else None
    step = look if terms.tls is None else _accept_tls
    if step is not None and not await _in_time(connection, step):
        return None
    return pool_of(connection)


async def _hear_announced_client(connection: Connection) -> bool:
    """Read the PROXY header, then ask the rules about whom it announces."""
    if not await _in_time(connection, _read_proxy_header):
        return False
    if ask_access_rules(connection):
        return True
    if connection.phase is Phase.TARPIT:
        await sit_in_tarpit(connection)
    return False


async def _in_time(connection: Connection, step: Step) -> bool:
    """Take a step of the handshake, within what is left of its time; say whether it succeeded."""
    if connection.greeting is None:
        connection.greeting = Greeting()
    within = connection.terms.config.handshake_timeout
    succeeded = False
    with trio.move_on_at(connection.accepted_at + within) as patience:
        try:
            succeeded = await step(connection, connection.greeting)
        except PeerReset:
            connection.end(Who.CLIENT, "the client reset")
    if patience.cancelled_caught:
        connection.end(Who.CLIENT_TIMEOUT, f"no complete handshake within {within:g} s")
    return succeeded


async def _read_proxy_header(connection: Connection, greeting: Greeting) -> bool:
    received = bytearray()
    header = None
    while header is None:
        data = await _receive(connection)
        if not data:
            return False
        received += data
        try:
            header = parse_header(received)
        except ProxyProtocolError as error:
            turn_away(connection, BAD_HEADER, f"PROXY header: {error}")
            return False
    greeting.header = header
    greeting.prefix = bytes(received[header.size :])
    if header.source is not None:
        connection.client_address = header.source
    return True


async def _read_hello(connection: Connection, greeting: Greeting) -> bool:
    """Learn from the first bytes who is asked for, without taking them from the backend."""
    reader = HelloReader()
    try:
        hello = reader.feed(greeting.prefix)
        while hello is None:
            data = await _receive(connection)
            if not data:
                return False
            hello = reader.feed(bytes(data))
        greeting.encrypted = True
        greeting.server_name, greeting.alpn = hello.server_name, hello.alpn
    except NotTlsError:
        pass  # which is for the routes to judge
    except ClientHelloError as error:
        turn_away(connection, BAD_TLS, f"TLS ClientHello: {error}")
        return False
    greeting.prefix = reader.received
    return True


async def _accept_tls(connection: Connection, greeting: Greeting) -> bool:
    tls = connection.terms.tls
    if tls is None:
        return True
    greeting.transport = connection.client
    try:
        connection.client = client = await tls.accept(connection.client, greeting.prefix)
    except TlsError as error:
        turn_away(connection, BAD_TLS, f"TLS: {error}")
        return False
    greeting.prefix, greeting.tls, greeting.encrypted = b"", client.info, True
    greeting.server_name = client.info.server_name
    greeting.alpn = () if client.info.alpn is None else (client.info.alpn.encode(),)
    return True


async def _receive(connection: Connection) -> bytes | bytearray:
    """Receive the next bytes of a handshake; b"" at an end-of-file, which is the client's end."""
    data = await connection.client.receive_some()
    if not data:
        connection.end(Who.CLIENT, "the client finished within its handshake")
    return data


def pool_of(connection: Connection) -> Pool | None:
    """Follow the first route that matches, or else the listener's own pool."""
    terms, greeting = connection.terms, connection.greeting
    name = terms.config.pool
    if terms.routes is not None and greeting is not None:
        plain = not greeting.encrypted
        name = terms.routes.choose(greeting.server_name, greeting.alpn, plain=plain) or name
    if name is None:
        turn_away(connection, NO_ROUTE, "no route leads to a pool")
        return None
    pool = terms.pools[name]
    if pool.config.to_original_destination and not _find_destination(connection):
        return None
    return pool


def _find_destination(connection: Connection) -> bool:
    """Find out where a redirected client was going.

    One that came straight to us was not: dialling that would reach ourselves, again and again.
    """
    greeting = connection.greeting
    client = (greeting and greeting.transport) or connection.client
    try:
        destination = connection.runtime.network.original_destination(client)
    except OSError as error:
        turn_away(connection, NOT_REDIRECTED, f"no original destination: {describe(error)}")
        return False
    if destination == client.local_address:
        turn_away(connection, NOT_REDIRECTED, "came straight here: no original destination")
        return False
    connection.destinations = (destination,)
    return True
