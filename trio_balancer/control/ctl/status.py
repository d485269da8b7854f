"""status: everything at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import Commands, add_json
from trio_balancer.control.ctl.columns import BACKENDS, LEAVING, LISTENERS, NAME
from trio_balancer.control.ctl.fields import Json, as_json, parts, text
from trio_balancer.control.ctl.output import say, say_json
from trio_balancer.control.ctl.overview import backends_of, describe, describe_pool
from trio_balancer.control.ctl.session import DONE
from trio_balancer.control.ctl.table import write_table
from trio_balancer.control.ctl.terminal import Style, Terminal
from trio_balancer.control.ctl.text import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_balancer.control.ctl.session import Session


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_json(commands.add("status", "show listeners, pools and backends", _status))


def _status(session: Session) -> int:
    result = session.client.ask("status")
    if session.arguments.json:
        say_json(result)
    else:
        say(*write_status(as_json(result), session.terminal))
    return DONE


def write_status(status: Json, terminal: Terminal) -> Iterator[str]:
    """Write the status for people, as wide as the terminal."""
    for line, style in describe(status):
        yield terminal.paint(harmless(line), style)
    listeners = parts(status, "listeners")
    head, lines = write_table(LISTENERS, listeners, terminal)
    yield from ("", head, *lines)
    for pool in parts(status, "pools"):
        yield from ("", *_pool(pool, terminal))
    leaving = parts(status, "leaving")
    if leaving:
        head, lines = write_table(LEAVING, leaving, terminal)
        yield from ("", head, *lines)


def _pool(pool: Json, terminal: Terminal) -> Iterator[str]:
    name = terminal.paint(f"pool {harmless(text(pool, 'name'))}", Style.BOLD)
    yield f"{name}: {harmless(describe_pool(pool))}"
    head, lines = write_table((NAME, *BACKENDS), backends_of(pool), terminal)
    yield from (head, *lines)
