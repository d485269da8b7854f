"""The balancer and its listeners: reload, limit, enable, disable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import Commands, add_json, argument, one_backend
from trio_balancer.control.ctl.fields import as_json, number, text
from trio_balancer.control.ctl.units import some

if TYPE_CHECKING:
    from trio_balancer.control.ctl.session import Session


def add_to(commands: Commands) -> None:
    """Add the commands."""
    add_json(commands.add("reload", "read the configuration again, and take it over", _reload))
    _add_limit(commands)
    enable = commands.add("enable", "open a listener that was disabled", _enable)
    disable = commands.add(
        "disable", "let a listener refuse clients; its connections stay", _disable
    )
    for parser in (enable, disable):
        parser.add_argument("listener", metavar="LISTENER")
        add_json(parser)


def _add_limit(commands: Commands) -> None:
    limit = commands.add("limit", "limit the connections at once; nobody is cut", _limit)
    what = limit.add_mutually_exclusive_group(required=True)
    what.add_argument("--listener", metavar="LISTENER")
    what.add_argument("--backend", metavar="POOL/BACKEND", type=one_backend)
    what.add_argument("--all", action="store_true", help="the whole balancer")
    limit.add_argument("value", metavar="NUMBER", type=a_limit, help='a number, or "off"')
    add_json(limit)


@argument
def a_limit(word: str) -> int | None:
    """Parse a number of connections; "off" is None."""
    if word == "off":
        return None
    if not (word.isascii() and word.isdigit()):
        raise ValueError(f'expected a number of connections, or "off", got {word!r}')
    return int(word)


def _reload(session: Session) -> int:
    result = session.client.ask("reload")
    changes = text(as_json(result), "changes")
    return session.tell(result, f"reloaded: {changes}" if changes else "reloaded")


def _enable(session: Session) -> int:
    name = session.arguments.listener
    result = session.client.ask("enable_listener", name=name)
    return session.tell(result, f"listener {name} is enabled")


def _disable(session: Session) -> int:
    name = session.arguments.listener
    result = session.client.ask("disable_listener", name=name)
    return session.tell(result, f"listener {name} is disabled")


def _limit(session: Session) -> int:
    given = session.arguments
    target = given.backend
    result = session.client.ask(
        "set_max_connections",
        value="off" if given.value is None else given.value,
        listener=given.listener,
        pool=None if target is None else target.pool,
        backend=None if target is None else target.backend,
    )
    what = target or given.listener or "the balancer"
    # For the whole balancer "off" means as many as its open files allow.
    most = number(as_json(result), "max_connections")
    limit = "no limit of its own" if most is None else f"at most {some(most, 'connection')}"
    return session.tell(result, f"{what} has {limit}")
