"""Backends: drain, ready, maint, weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import (
    Commands,
    add_json,
    argument,
    one_backend,
    pool_or_backend,
    seconds,
)
from trio_balancer.control.ctl.fields import as_json, number
from trio_balancer.control.ctl.units import whole

if TYPE_CHECKING:
    from trio_balancer.control.ctl.session import Session


def add_to(commands: Commands) -> None:
    """Add the commands."""
    _add_drain(commands)
    ready = commands.add("ready", "let backends take connections again", _ready)
    ready.add_argument("target", metavar="POOL[/BACKEND]", type=pool_or_backend)
    add_json(ready)
    maint = commands.add("maint", "take a backend out of service; its connections stay", _maint)
    weight = commands.add("weight", "set the weight of a backend", _weight)
    for parser in (maint, weight):
        parser.add_argument("target", metavar="POOL/BACKEND", type=one_backend)
        add_json(parser)
    weight.add_argument(
        "weight",
        metavar="WEIGHT",
        type=a_weight,
        help='0 to 256, or like "50%%" of the configured weight',
    )


def _add_drain(commands: Commands) -> None:
    drain = commands.add("drain", "let what is there finish, and nothing new begin", _drain)
    what = drain.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "target", metavar="POOL[/BACKEND]", type=pool_or_backend, nargs="?", help="what to drain"
    )
    what.add_argument("--all", action="store_true", help="drain the whole balancer, and stop it")
    drain.add_argument(
        "--over", metavar="TIME", type=seconds, help="little by little, like 60s; default: at once"
    )
    add_json(drain)


@argument
def a_weight(text: str) -> int | str:
    """Parse a weight: the balancer knows which numbers make sense."""
    if text.isascii() and text.isdigit():
        return int(text)
    if text.isascii() and text.removesuffix("%").isdigit():
        return text
    raise ValueError(f'expected a weight from 0 to 256, or like "50%", got {text!r}')


def _drain(session: Session) -> int:
    given = session.arguments
    if given.all:
        result = session.client.ask("drain", over=given.over)
        return session.tell(result, f"the balancer drains{_over(given.over)}")
    target = given.target
    result = session.client.ask("drain", pool=target.pool, backend=target.backend, over=given.over)
    return session.tell(result, f"{target} drains{_over(given.over)}")


def _over(time: float | None) -> str:
    return "" if time is None else f" over {time:g} s"


def _ready(session: Session) -> int:
    return _set_state(session, "ready", "is ready")


def _maint(session: Session) -> int:
    return _set_state(session, "maintenance", "is in maintenance")


def _set_state(session: Session, do: str, now: str) -> int:
    target = session.arguments.target
    result = session.client.ask(do, pool=target.pool, backend=target.backend)
    state = as_json(result).get("state")
    # An operator can say that it may serve; whether it is up is for its checks to say.
    but = ", but down" if state == "down" else ""
    return session.tell(result, f"{target} {now}{but}")


def _weight(session: Session) -> int:
    given = session.arguments
    target = given.target
    result = session.client.ask(
        "set_weight", pool=target.pool, backend=target.backend, weight=given.weight
    )
    weight = whole(number(as_json(result), "weight"))
    return session.tell(result, f"{target} has weight {weight}")
