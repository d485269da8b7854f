from __future__ import annotations

import inspect
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import operate
from support.world import BACKEND, OTHER, World
from trio.testing import MockClock

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.control.errors import OperationError
from trio_balancer.control.json_commands import (
    VERBS,
    Request,
    check_level,
    error_line,
    ok_line,
    parse_request,
)
from trio_balancer.control.operations import Operations


def test_a_request() -> None:
    assert parse_request(b'{"do": "drain", "pool": "app", "backend": null}') == Request(
        "drain", {"pool": "app", "backend": None}
    )


@pytest.mark.parametrize("line", [b"{", b"{}", b'{"do": 3}', b"[1]", b"\xff", b"{" * 10_000])
def test_what_is_no_request(line: bytes) -> None:
    with pytest.raises(OperationError) as caught:
        parse_request(line)
    assert caught.value.code == "bad-request"


@given(st.binary())
def test_any_line_is_parsed_or_refused(line: bytes) -> None:
    with suppress(OperationError):
        assert isinstance(parse_request(b"{" + line), Request)


def test_replies_are_one_line() -> None:
    error = OperationError("bad-value", "a\nb")
    assert error_line(error) == '{"ok":false,"error":{"code":"bad-value","message":"a\\nb"}}'
    assert ok_line({"a": [1, None]}) == '{"ok":true,"result":{"a":[1,null]}}'


@pytest.mark.parametrize("do", VERBS)
def test_parameters_are_those_of_the_operation(do: str) -> None:
    signature = inspect.signature(getattr(Operations, do))
    taken = {
        name: parameter.default is inspect.Parameter.empty
        for name, parameter in signature.parameters.items()
        if name not in {"self", "everything"}
    }
    assert {each.name: each.required for each in VERBS[do].parameters} == taken


def test_levels() -> None:
    check_level(ControlLevel.USER, ControlLevel.USER)
    check_level(ControlLevel.USER, ControlLevel.ADMIN)
    with pytest.raises(OperationError) as caught:
        check_level(ControlLevel.ADMIN, ControlLevel.OPERATOR)
    assert caught.value.code == "not-allowed"
    assert "needs the level admin" in caught.value.message


async def test_operations_are_done(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    operator = await operate(world)
    await world.client()
    assert (await operator.result("status"))["connections"]["active"] == 1
    assert (await operator.result("set_weight", pool="app", backend="one", weight="50%")) == {
        "pool": "app",
        "backend": "one",
        "weight": 5,
    }
    assert await operator.result("set_max_connections", value=None, listener="web") == {
        "listener": "web",
        "max_connections": None,
    }
    assert (await operator.result("kick", connection=1)) == {"ended": 1}
    assert [each["ending"] for each in await operator.result("endings")] == ["KD"]


@pytest.mark.parametrize(
    ("do", "parameters", "code", "said"),
    [
        ("stats", {}, "unknown-command", "did you mean 'status'?"),
        ("xyzzy", {}, "unknown-command", "there is no command 'xyzzy'"),
        ("__init__", {}, "unknown-command", "there is no command"),
        ("amend", {}, "unknown-command", "there is no command"),
        ("maintenance", {"pool": "app"}, "bad-value", "backend is required, but missing"),
        ("ready", {"pool": 3, "backend": "x"}, "bad-value", "pool: expected text, got 3"),
        ("status", {"limit": 3}, "bad-value", "there is no parameter 'limit' here"),
        ("ready", {"pool": "x", "backend": "y"}, "no-such-pool", "there is no pool 'x'"),
        ("reload", {}, "reload-failed", "there is no file to reload"),
        ("drain", {"pool": "app", "over": -1}, "bad-value", "over: expected a duration"),
        ("status", {"limit": None}, "bad-value", "it takes none"),
        ("set_max_connections", {"listener": "web"}, "bad-value", "value is required"),
        ("set_max_connections", {"value": "no"}, "bad-value", "value: expected a whole number"),
        ("set_max_connections", {"value": 0}, "bad-value", "of at least 1"),
    ],
)
async def test_what_is_refused(
    do: str,
    parameters: dict[str, object],
    code: str,
    said: str,
    *,
    autojump_clock: MockClock,
    world: World,
) -> None:
    operator = await operate(world)
    error = await operator.error(do, **parameters)
    assert error[0] == code
    assert said in error[1]


@pytest.mark.parametrize("level", ["user", "operator"])
async def test_levels_hold_for_every_command(
    level: str, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world, level=level, balancer="faults = true")
    order = [each.value for each in ControlLevel]
    for do, verb in VERBS.items():
        reply = await operator.request(do)
        if order.index(level) < order.index(verb.level.value):
            assert reply["error"]["code"] == "not-allowed", do
        else:
            assert reply["ok"] or reply["error"]["code"] == "bad-value", do
    assert world.balancer.ready


async def test_names_of_others_cannot_break_a_reply(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    line = json.dumps({"do": "disable_listener", "name": "\n{}\n\x1b"})
    reply = json.loads(await operator.ask(line))
    assert reply["error"]["code"] == "no-such-listener"
