"""Connections: list them, kick some, rebalance a pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import Commands, add_json, one_backend, seconds
from trio_balancer.control.ctl.errors import UsageError
from trio_balancer.control.ctl.fields import Json, all_json, amount, as_json, number, text
from trio_balancer.control.ctl.output import say, say_json
from trio_balancer.control.ctl.session import DONE
from trio_balancer.control.ctl.table import Cell, Column, write_table
from trio_balancer.control.ctl.units import UNKNOWN, age, size, some, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.control.ctl.session import Session

_SHOWN = 100


def add_to(commands: Commands) -> None:
    """Add the commands."""
    listing = commands.add("connections", "list the oldest live connections", _list)
    listing.add_argument(
        "--limit", metavar="N", type=int, default=_SHOWN, help=f"at most; default {_SHOWN}"
    )
    add_json(listing)
    _add_kick(commands)
    rebalance = commands.add(
        "rebalance", "end connections of overfull backends, to come back elsewhere", _rebalance
    )
    rebalance.add_argument("pool", metavar="POOL")
    rebalance.add_argument(
        "--over", metavar="TIME", type=seconds, required=True, help="evenly over a time, like 60s"
    )
    add_json(rebalance)


def _add_kick(commands: Commands) -> None:
    kick = commands.add("kick", "end the connections to which all of this applies", _kick)
    kick.add_argument(
        "connection", metavar="CONNECTION", type=int, nargs="?", help="a number from `connections`"
    )
    where = kick.add_mutually_exclusive_group()
    where.add_argument("--pool", metavar="POOL")
    where.add_argument("--backend", metavar="POOL/BACKEND", type=one_backend)
    kick.add_argument("--client", metavar="ADDRESS", help="with or without a port")
    add_json(kick)


def _kick(session: Session) -> int:
    given = session.arguments
    if given.connection is given.pool is given.backend is given.client is None:
        raise UsageError("kick whom? Say a connection, --pool, --backend or --client")
    result = session.client.ask(
        "kick",
        connection=given.connection,
        pool=given.pool if given.backend is None else given.backend.pool,
        backend=None if given.backend is None else given.backend.backend,
        client=given.client,
    )
    return session.tell(result, f"ended {some(amount(as_json(result), 'ended'), 'connection')}")


def _rebalance(session: Session) -> int:
    given = session.arguments
    result = session.client.ask("rebalance", pool=given.pool, over=given.over)
    return session.tell(result, f"pool {given.pool} is rebalanced over {given.over:g} s")


def _list(session: Session) -> int:
    result = session.client.ask("connections", limit=session.arguments.limit)
    if session.arguments.json:
        say_json(result)
        return DONE
    head, lines = write_table(_COLUMNS, all_json(result), session.terminal)
    say(head, *lines)
    return DONE


def _server(connection: Json) -> str:
    pool, backend = text(connection, "pool"), text(connection, "backend")
    return f"{pool}/{backend}" if backend else pool or UNKNOWN


def _bytes(key: str) -> Callable[[Json], Cell]:
    return lambda connection: Cell(size(number(connection, key)))


_COLUMNS = (
    Column[Json]("NUMBER", lambda each: Cell(whole(number(each, "number"))), right=True),
    Column[Json]("CLIENT", lambda each: Cell(text(each, "client"))),
    Column[Json]("LISTENER", lambda each: Cell(text(each, "listener")), drop=2),
    Column[Json]("POOL/BACKEND", lambda each: Cell(_server(each))),
    Column[Json]("PHASE", lambda each: Cell(text(each, "phase")), drop=1),
    Column[Json]("AGE", lambda each: Cell(age(number(each, "age"))), right=True),
    Column[Json]("BYTES UP", _bytes("bytes_up"), right=True, drop=3),
    Column[Json]("BYTES DOWN", _bytes("bytes_down"), right=True, drop=3),
)
