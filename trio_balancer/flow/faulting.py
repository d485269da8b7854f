"""Faults on a connection's path: where it is accepted, where it is dialled, where it is joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.config.faults import refuse_unwanted_faults
from trio_balancer.faults import ConnectionFaults, FaultBook, Subject
from trio_balancer.flow.admit import turn_away
from trio_balancer.flow.dial import DialFailure
from trio_balancer.flow.record import Who

if TYPE_CHECKING:
    import random

    from trio_balancer.config.model import Config
    from trio_balancer.flow.live import Connection
    from trio_balancer.policy import Backend

FAULT = "fault"


def make_fault_book(config: Config, rng: random.Random, *, wanted: bool) -> FaultBook | None:
    """Make the book of faults where the configuration wants one, or else the caller.

    Raises ConfigError for faults that neither of them has allowed.
    """
    if not wanted:
        refuse_unwanted_faults(config)
    if not (wanted or config.balancer.faults):
        return None
    book = FaultBook(rng.getrandbits(64))
    book.configure(config)
    return book


def open_faults(connection: Connection, book: FaultBook) -> ConnectionFaults:
    """Enter a connection in the book, where it is counted; `settle` strikes it out."""

    def end(reason: str, *, reset: bool) -> None:
        if connection.ending is None:
            connection.closes = not reset
        connection.end(Who.POLICY, reason)

    client = connection.client_address if connection.terms.trust is None else None
    return book.open(Subject(connection.number, connection.listener.name, client), end)


async def meet_faults_at_accept(connection: Connection, faults: ConnectionFaults) -> bool:
    """Let a client wait, or turn it away, as faults say; whether it is to be served."""
    refusing = await faults.accept(connection.client_address)
    if refusing is not None:
        turn_away(connection, FAULT, f"the fault {refusing!r} refused it")
    return refusing is None


async def meet_faults_at_dial(
    pool: str, backend: Backend, faults: ConnectionFaults, within: float
) -> DialFailure | None:
    """Let a dial wait, or fail, as faults say: just as if it were the backend's doing.

    Not for longer than `within` seconds, after which it has timed out.
    """
    deadline = trio.current_time() + within
    refusing = await faults.dial(pool, backend.name, deadline)
    if refusing is not None:
        return DialFailure(Who.BACKEND, f"the fault {refusing!r} refused it")
    if trio.current_time() >= deadline:
        return DialFailure(Who.BACKEND_TIMEOUT, f"no answer within {within:g} s")
    return None
