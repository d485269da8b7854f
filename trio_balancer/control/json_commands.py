"""Commands in JSON: one object on a line, answered by one object on a line.

`{"do": "status"}` is answered by `{"ok": true, "result": …}`, or by
`{"ok": false, "error": {"code": "no-such-pool", "message": "…"}}`. Parameters stand beside "do";
one that may be left out may be null as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.config.problems import shown
from trio_balancer.config.values import closest
from trio_balancer.control.errors import OperationError, bad_value
from trio_balancer.control.parameters import (
    REQUIRED,
    Parameter,
    a_count,
    a_duration,
    a_limit,
    a_table,
    a_weight,
    text,
)

if TYPE_CHECKING:
    from trio_balancer.control.operations import Operations

_USER = ControlLevel.USER
_OPERATOR = ControlLevel.OPERATOR
_ADMIN = ControlLevel.ADMIN

_POOL = Parameter("pool", text)
_BACKEND = Parameter("backend", text)
_THE_POOL = Parameter("pool", text, REQUIRED)
_THE_BACKEND = Parameter("backend", text, REQUIRED)
_NAME = Parameter("name", text, REQUIRED)
_ON = Parameter("on", text, REQUIRED)
_LIMIT = Parameter("limit", a_count)
_OVER = Parameter("over", a_duration)


@attrs.frozen
class Request:
    """What is asked for, and with which parameters."""

    do: str
    parameters: Mapping[str, object]


@attrs.frozen
class Verb:
    """An operation that can be asked for: who may, and what it takes."""

    level: ControlLevel
    parameters: tuple[Parameter, ...] = ()


#: Every operation, by its name in `Operations`.
VERBS: Mapping[str, Verb] = {
    "status": Verb(_USER),
    "connections": Verb(_OPERATOR, (_LIMIT,)),
    "endings": Verb(_OPERATOR, (_LIMIT,)),
    "explain": Verb(
        _USER,
        (
            Parameter("client", text, REQUIRED),
            Parameter("listener", text, REQUIRED),
            Parameter("server_name", text),
        ),
    ),
    "drain": Verb(_ADMIN, (_POOL, _BACKEND, _OVER)),
    "ready": Verb(_ADMIN, (_THE_POOL, _BACKEND)),
    "maintenance": Verb(_ADMIN, (_THE_POOL, _THE_BACKEND)),
    "set_weight": Verb(_ADMIN, (_THE_POOL, _THE_BACKEND, Parameter("weight", a_weight, REQUIRED))),
    "set_max_connections": Verb(
        # Required: whoever forgets it must not have taken a limit away.
        _ADMIN,
        (Parameter("value", a_limit, REQUIRED), Parameter("listener", text), _POOL, _BACKEND),
    ),
    "kick": Verb(
        _ADMIN, (Parameter("connection", a_count), _POOL, _BACKEND, Parameter("client", text))
    ),
    "rebalance": Verb(_ADMIN, (_THE_POOL, Parameter("over", a_duration, REQUIRED))),
    "enable_listener": Verb(_ADMIN, (_NAME,)),
    "disable_listener": Verb(_ADMIN, (_NAME,)),
    "shutdown_listener": Verb(_ADMIN, (_NAME,)),
    "faults": Verb(_USER),
    "add_fault": Verb(_ADMIN, (_ON, Parameter("fault", a_table, REQUIRED))),
    "remove_fault": Verb(_ADMIN, (_ON, _NAME)),
    "clear_counters": Verb(_OPERATOR),
    "reload": Verb(_ADMIN),
    "shutdown": Verb(_ADMIN, (_OVER,)),
}


def parse_request(line: bytes) -> Request:
    """Parse a line; raises OperationError (bad-request) where it is no request."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise OperationError("bad-request", "this line is no JSON") from None
    if not isinstance(value, dict) or not isinstance(value.get("do"), str):
        raise OperationError("bad-request", 'a request is an object with a "do"')
    return Request(value["do"], {key: each for key, each in value.items() if key != "do"})


async def answer(operations: Operations, request: Request, level: ControlLevel) -> object:
    """Do what is asked and return the result; raises OperationError."""
    verb = VERBS.get(request.do)
    if verb is None:
        raise unknown_verb(request.do, VERBS)
    check_level(verb.level, level)
    arguments = read_parameters(verb.parameters, request.parameters)
    if request.do == "reload":
        return await operations.reload()
    return getattr(operations, request.do)(**arguments)


def unknown_verb(do: str, known: Mapping[str, object]) -> OperationError:
    """Build the error for something that nobody can do."""
    likely = closest(do, known)
    hint = "" if likely is None else f"; did you mean {likely!r}?"
    return OperationError("unknown-command", f"there is no command {shown(do)}{hint}")


def check_level(needed: ControlLevel, level: ControlLevel) -> None:
    """Raise OperationError (not-allowed) where a level is too low."""
    order = list(ControlLevel)
    if order.index(level) < order.index(needed):
        message = f"this needs the level {needed.value}, and the socket gives {level.value}"
        raise OperationError("not-allowed", message)


def read_parameters(taken: tuple[Parameter, ...], given: Mapping[str, object]) -> dict[str, Any]:
    """Parse all parameters; raises OperationError (bad-value) for strange and missing ones."""
    names = [parameter.name for parameter in taken]
    for name in given:
        if name not in names:
            known = f"known: {', '.join(names)}" if names else "it takes none"
            raise bad_value(f"there is no parameter {shown(name)} here; {known}")
    return {each.name: each.read(given) for each in taken if each.is_needed(given)}


def ok_line(result: object) -> str:
    """Write what was done, as one line."""
    return json.dumps({"ok": True, "result": result}, separators=(",", ":"))


def error_line(error: OperationError) -> str:
    """Write why it was not done, as one line."""
    told = {"code": error.code, "message": error.message}
    return json.dumps({"ok": False, "error": told}, separators=(",", ":"))
