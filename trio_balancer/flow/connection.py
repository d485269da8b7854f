"""One connection, from accept to record.

`_story` reads as the path of a connection in the design, left to right. The rest is what must
happen whatever becomes of it.
"""

from __future__ import annotations

import math
import traceback
from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.bridge import Bridge, Copier, Timeouts
from trio_balancer.flow.filtering import open_filters
from trio_balancer.flow.greet import greet, pool_of
from trio_balancer.flow.live import Connection, Runtime
from trio_balancer.flow.reach import reach_backend
from trio_balancer.flow.record import FINISHED, Ending, Phase, Who
from trio_balancer.flow.settle import settle

if TYPE_CHECKING:
    from trio_balancer.flow.listener import ListenerState
    from trio_balancer.network.seam import Stream
    from trio_balancer.wire.address import SocketAddress

_REASONS = {
    Who.CLIENT: "the client reset",
    Who.BACKEND: "the backend reset",
    Who.CLIENT_TIMEOUT: "nothing more came from the client",
    Who.BACKEND_TIMEOUT: "nothing more came from the backend",
    Who.POLICY: "its lifetime was over",
    Who.KILLED: "stopped by the operator",
}


def open_connection(
    runtime: Runtime,
    listener: ListenerState,
    client: Stream,
    address: SocketAddress,
) -> Connection:
    """Enter an accepted client in the books; `settle` strikes it out."""
    runtime.latest += 1
    connection = Connection(
        runtime=runtime,
        listener=listener,
        terms=listener.terms,
        client=client,
        address=address,
        number=runtime.latest,
        accepted_at=trio.current_time(),
        accepted_wall=runtime.wall_clock(),
        client_address=client.remote_address,
    )
    runtime.connections[connection.number] = connection
    listener.active += 1
    runtime.totals.accept(connection.accepted_at)
    listener.totals.accept(connection.accepted_at)
    return connection


async def serve_connection(connection: Connection) -> None:
    """Serve an accepted client to the end; never raises, but when cancelled from outside.

    The one boundary for bugs: whatever goes wrong in here ends this connection and no other.
    """
    try:
        async with trio.open_nursery() as nursery:
            connection.scope = nursery.cancel_scope
            await _story(connection, nursery)
        await _finish(connection)
    except* Exception as bugs:  # noqa: BLE001 - any bug at all must stay in here
        _report_bug(connection, bugs)
    finally:
        settle(connection)


async def _story(connection: Connection, nursery: trio.Nursery) -> None:
    if connection.ending is not None:
        return  # ended before its task ran
    connection.client.call_on_reset(connection.client_reset)
    greets = connection.terms.greets or connection.phase is Phase.TARPIT or connection.faults
    pool = await greet(connection) if greets else pool_of(connection)
    if pool is None:
        return
    backend = await reach_backend(connection, pool)
    if backend is not None:
        _join(connection, backend, nursery)


def _join(connection: Connection, backend: Stream, nursery: trio.Nursery) -> None:
    """Start the two copies; the connection's nursery ends when they do."""
    connection.phase = Phase.DATA
    runtime = connection.runtime
    timeouts = _timeouts(connection)
    copier: Copier | None = runtime.relay
    filters = connection.terms.filters
    if filters is not None:
        copier = connection.filters = open_filters(connection, backend, filters)
    if connection.faults is not None:
        copier = connection.faults.through(runtime.relay, connection.filters)
    bridge = Bridge(connection.client, backend, timeouts, runtime.sweepers, copier)
    greeting = connection.greeting
    bridge.start(nursery, b"" if greeting is None else greeting.take_prefix())
    connection.bridge = bridge


async def _finish(connection: Connection) -> None:
    if connection.bridge is None or connection.ending is not None:
        return
    ending = await connection.bridge.finish()
    if connection.ending is None:
        connection.ending = ending
        connection.reason = "" if ending == FINISHED else _REASONS[ending.who]


def _timeouts(connection: Connection) -> Timeouts:
    config = connection.terms.config
    lifetime = config.lifetime
    if math.isfinite(lifetime):
        lifetime *= 1 + connection.runtime.rng.uniform(0, config.lifetime_jitter)
    return Timeouts(
        idle=config.idle_timeout,
        half_close=config.half_close_timeout,
        lifetime_end=connection.accepted_at + lifetime,
    )


def _report_bug(connection: Connection, bugs: BaseExceptionGroup[Exception]) -> None:
    connection.ending = Ending(Who.INTERNAL, connection.phase)
    connection.reason = "a bug in the balancer"
    connection.runtime.totals.bugs += 1
    connection.runtime.log.error(
        "A bug ended a connection; please report it",
        listener=connection.listener.name,
        connection=connection.number,
        trace="".join(traceback.format_exception(bugs)),
    )
