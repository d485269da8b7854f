"""explain: would a client be admitted, which backend would it get, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import Commands, add_json
from trio_balancer.control.ctl.fields import Json, as_json, flag, number, parts, text, texts
from trio_balancer.control.ctl.output import say, say_json
from trio_balancer.control.ctl.session import DONE
from trio_balancer.control.ctl.states import state_cell
from trio_balancer.control.ctl.table import Cell, Column, write_table
from trio_balancer.control.ctl.terminal import Style
from trio_balancer.control.ctl.text import fit_address, harmless
from trio_balancer.control.ctl.units import whole

if TYPE_CHECKING:
    from trio_balancer.control.ctl.session import Session


def add_to(commands: Commands) -> None:
    """Add the command."""
    explain = commands.add(
        "explain", "tell what would become of a client: admitted, to which backend, why", _explain
    )
    explain.add_argument("client", metavar="CLIENT-ADDRESS", help="with or without a port")
    explain.add_argument("listener", metavar="LISTENER")
    explain.add_argument(
        "--server-name", metavar="NAME", help="what it asks for by TLS (SNI), if it does"
    )
    add_json(explain)


def _explain(session: Session) -> int:
    given = session.arguments
    result = session.client.ask(
        "explain", client=given.client, listener=given.listener, server_name=given.server_name
    )
    if given.json:
        say_json(result)
    else:
        _tell(as_json(result), session)
    return DONE


def _tell(told: Json, session: Session) -> None:
    paint = session.terminal.paint
    admitted = flag(told, "admitted")
    word = paint("admitted", Style.GOOD) if admitted else paint("refused", Style.BAD)
    say(f"{harmless(text(told, 'client'))} at listener {harmless(text(told, 'listener'))}: {word}")
    say(*(f"  {harmless(line)}" for line in _reasons(told)))
    backends = parts(told, "backends")
    if backends:
        head, lines = write_table(_columns(text(told, "backend")), backends, session.terminal)
        say("", head, *lines)


def _reasons(told: Json) -> list[str]:
    lines = [f"access: {text(told, 'access')}"]
    if text(told, "pool"):
        lines.append(f"pool: {text(told, 'pool')}, {text(told, 'policy')}")
    if flag(told, "admitted"):
        lines.append(f"backend: {text(told, 'backend') or 'none'}, {text(told, 'why')}")
    return lines + [f"note: {note}" for note in texts(told, "notes")]


def _columns(chosen: str) -> list[Column[Json]]:
    def mark(backend: Json) -> Cell:
        return Cell("→" if text(backend, "name") == chosen else "")

    return [
        Column("", mark),
        Column("BACKEND", lambda each: Cell(text(each, "name")), least=24, cut=fit_address),
        Column("STATE", state_cell),
        Column("TAKES MORE", lambda each: Cell("yes" if flag(each, "available") else "no")),
        Column("WEIGHT", lambda each: Cell(whole(number(each, "weight"))), right=True),
        Column("ACTIVE", lambda each: Cell(whole(number(each, "active"))), right=True),
        Column("", lambda each: Cell("backup" if flag(each, "backup") else "")),
        Column("WHY", lambda each: Cell(text(each, "reason")), least=18),
    ]
