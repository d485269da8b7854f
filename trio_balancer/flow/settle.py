"""Settle a connection that is over: close, record, give everything back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.flow.live import Greeting
from trio_balancer.flow.record import FINISHED, Counts, Ending, Phase, Record, Who
from trio_balancer.wire.proxy_protocol import readable

if TYPE_CHECKING:
    from trio_balancer.flow.live import Connection
    from trio_balancer.network.seam import Stream


_SILENT = Greeting()


def settle(connection: Connection) -> None:
    """Close what is open, give back what is held and write the one record.

    Synchronous, for a `finally`: no cancellation gets in between.
    """
    if connection.ending is None:
        connection.ending = Ending(Who.KILLED, connection.phase)
        connection.reason = "stopped by the operator"
    now = trio.current_time()
    record = _record(connection, connection.ending, now)
    _report_to_pool(connection, record, now)
    if connection.bridge is not None:
        connection.bridge.release()
    if connection.filters is not None:
        connection.filters.close()
    if connection.faults is not None:
        connection.faults.close()
    _close_streams(connection)
    _give_back(connection, now)
    _publish(connection, record)


def _record(connection: Connection, ending: Ending, now: float) -> Record:
    target, bridge, backend = connection.target, connection.bridge, connection.backend
    greeting = connection.greeting or _SILENT
    chosen_at = connection.chosen_at
    return Record(
        number=connection.number,
        listener=connection.listener.name,
        client=connection.client_address,
        address=connection.address,
        accepted_at=connection.accepted_wall,
        total_time=now - connection.accepted_at,
        ending=ending,
        reason=connection.reason,
        counts=_counts(connection),
        pool=None if connection.pool is None else connection.pool.name,
        backend=None if target is None else target.name,
        backend_address=_backend_address(connection),
        queue_time=None if chosen_at is None else chosen_at - connection.accepted_at,
        connect_time=connection.connect_time,
        bytes_up=0 if backend is None else backend.sent,
        bytes_down=connection.client.sent,
        attempts=connection.attempts,
        redispatched=connection.redispatched,
        pool_queue=connection.pool_queue,
        closed_first=_side(connection, None if bridge is None else bridge.pair.closed_first),
        refusal=connection.refusal,
        peer=connection.client.remote_address,
        server_name=greeting.server_name,
        alpn=",".join(map(readable, greeting.alpn)) or None,
        tls=None if greeting.tls is None else greeting.tls.version,
        unique_id=connection.told_unique_id(),
        tlvs=None if greeting.header is None else greeting.header.tlvs,
    )


def _backend_address(connection: Connection) -> str | None:
    """Return what was reached, or else what was to be: a name may have several addresses."""
    if connection.backend is not None:
        return str(connection.backend.remote_address)
    return None if connection.target is None else str(connection.target.address)


def _counts(connection: Connection) -> Counts:
    pool, target = connection.pool, connection.target
    return Counts(
        process=len(connection.runtime.connections),
        listener=connection.listener.active,
        pool=0 if pool is None else pool.active,
        backend=0 if target is None else target.active,
    )


def _side(connection: Connection, stream: Stream | None) -> str:
    if stream is None:
        return ""
    return "client" if stream is connection.client else "backend"


def _report_to_pool(connection: Connection, record: Record, now: float) -> None:
    """Tell the pool whether the backend served: what passive ejection goes by."""
    if connection.pool is None or connection.target is None or connection.backend is None:
        return
    if connection.backend.received:
        connection.pool.first_byte(connection.target)
    elif record.ending.who is Who.BACKEND:
        connection.pool.reset_before_first_byte(connection.target, now)


def _close_streams(connection: Connection) -> None:
    """Close both legs; what did not finish cleanly must not look as if it had."""
    in_good_order = (
        connection.ending == FINISHED or connection.closes or _is_closed_unserved(connection)
    )
    for stream in (connection.client, connection.backend):
        if stream is not None and in_good_order:
            stream.close()
        elif stream is not None:
            stream.reset()


def _is_closed_unserved(connection: Connection) -> bool:
    # A reset may overtake the client's own news that it is connected, which then looks as if
    # nobody listened.
    return (
        connection.terms.config.made_by_api
        and connection.phase is Phase.CONNECT
        and connection.ending is not None
        and connection.ending.who in (Who.BACKEND, Who.BACKEND_TIMEOUT)
    )


def _give_back(connection: Connection, now: float) -> None:
    runtime, listener = connection.runtime, connection.listener
    del runtime.connections[connection.number]
    listener.active -= 1
    if connection.admitted and listener.access is not None:
        listener.access.leave(connection.client_address)
    if connection.phase is Phase.TARPIT:
        runtime.tarpitted -= 1
        listener.tarpitted -= 1
    if connection.lease is not None:
        connection.lease.give_back(now)
    if connection.admission is not None:
        connection.admission.give_back()
    if connection.bridge is not None:
        connection.bridge.pair.part()


def _publish(connection: Connection, record: Record) -> None:
    runtime = connection.runtime
    letters = str(record.ending)
    runtime.totals.count(record, letters, record.counts.process)
    connection.listener.totals.count(record, letters, record.counts.listener)
    if connection.pool is not None:
        runtime.meters.finished(connection.pool, connection.target, record, letters)
    runtime.log.connection(record, limited=connection.refusal is not None)
    for observe in runtime.observers:
        observe(record)
