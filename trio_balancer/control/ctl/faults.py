"""Faults: fault list, fault add, fault remove."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import Commands, add_json, argument
from trio_balancer.control.ctl.errors import UsageError
from trio_balancer.control.ctl.fields import all_json, as_json, number, part, text
from trio_balancer.control.ctl.output import say, say_json
from trio_balancer.control.ctl.session import DONE
from trio_balancer.control.ctl.text import harmless

if TYPE_CHECKING:
    import argparse

    from trio_balancer.control.ctl.fields import Json
    from trio_balancer.control.ctl.session import Session


def add_to(commands: Commands) -> None:
    """Add the command."""
    fault = commands.add("fault", "break connections on purpose, in a test", _run)
    fault.add_argument("action", choices=list(_ACTIONS), help="what to do")
    fault.add_argument("on", metavar="ON", nargs="?", help="listeners.NAME or pools.NAME")
    fault.add_argument("what", metavar="WHAT", nargs="?", help="add: its type; remove: its name")
    fault.add_argument("-n", "--name", help="add: its name; default: type and stream")
    fault.add_argument(
        "-a",
        "--attribute",
        metavar="KEY=VALUE",
        type=an_attribute,
        action="append",
        default=[],
        help="add: like latency=100; repeatable",
    )
    fault.add_argument("--toxicity", type=float, help="add: the share of connections that it hits")
    fault.add_argument(
        "--match",
        metavar="KEY=VALUE",
        type=a_condition,
        action="append",
        default=[],
        help="add: whom it may hit, like nth=3; repeatable",
    )
    fault.add_argument("-u", "--upstream", action="store_true", help="add: toward the backend")
    add_json(fault)


@argument
def an_attribute(word: str) -> tuple[str, object]:
    """Parse KEY=VALUE with a number; the balancer knows which there are."""
    key, is_there, value = word.partition("=")
    try:
        if key and is_there:
            return key, json.loads(value)
    except ValueError:
        pass  # said below, as of what has no "=" at all
    raise ValueError(f"expected KEY=NUMBER, like latency=100, got {word!r}")


@argument
def a_condition(word: str) -> tuple[str, object]:
    """Parse KEY=VALUE: a number, a network or a name."""
    key, _, value = word.partition("=")
    if not (key and value):
        raise ValueError(f"expected KEY=VALUE, like nth=3, got {word!r}")
    return key, int(value) if value.isdecimal() else value


def _run(session: Session) -> int:
    return _ACTIONS[session.arguments.action](session)


def _list(session: Session) -> int:
    faults = all_json(session.client.ask("faults"))
    if session.arguments.json:
        say_json(faults)
    else:
        for fault in faults:
            say(harmless(_line(fault)))
    return DONE


def _line(fault: Json) -> str:
    attributes = [f"{key}={value}" for key, value in part(fault, "attributes").items()]
    words = [text(fault, "on"), text(fault, "name"), text(fault, "type"), text(fault, "stream")]
    share = f"toxicity={number(fault, 'toxicity')}"
    match = [f"match.{key}={value}" for key, value in part(fault, "match").items()]
    return " ".join((*words, *attributes, share, *match))


def _add(session: Session) -> int:
    given = _checked(session.arguments, "its type")
    table: dict[str, object] = {"type": given.what, "attributes": dict(given.attribute)}
    if given.name is not None:
        table["name"] = given.name
    if given.toxicity is not None:
        table["toxicity"] = given.toxicity
    if given.match:
        table["match"] = dict(given.match)
    if given.upstream:
        table["stream"] = "upstream"
    result = session.client.ask("add_fault", on=given.on, fault=table)
    return session.tell(result, f"{given.on} has the fault {text(as_json(result), 'name')}")


def _remove(session: Session) -> int:
    given = _checked(session.arguments, "its name")
    result = session.client.ask("remove_fault", on=given.on, name=given.what)
    return session.tell(result, f"{given.on} has the fault {given.what} no more")


def _checked(given: argparse.Namespace, what: str) -> argparse.Namespace:
    if given.what is None:
        raise UsageError(f"say on what, listeners.NAME or pools.NAME, and {what}")
    return given


_ACTIONS = {"list": _list, "add": _add, "remove": _remove}
