from __future__ import annotations

import pytest
from support.commands import operate
from support.world import World
from trio.testing import MockClock

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.control.errors import OperationError
from trio_balancer.control.haproxy.session import Session
from trio_balancer.control.operations import Operations
from trio_balancer.wire.haproxy_reply import CommandError, SeverityOutput


async def make(world: World, level: ControlLevel = ControlLevel.ADMIN) -> Session:
    await operate(world)
    return Session(Operations(world.balancer), "/run/x", level)


async def test_levels_only_go_down(autojump_clock: MockClock, world: World) -> None:
    session = await make(world)
    assert session.may(ControlLevel.ADMIN)
    session.lower(ControlLevel.OPERATOR)
    assert not session.may(ControlLevel.ADMIN)
    session.lower(ControlLevel.ADMIN)
    assert session.level is ControlLevel.OPERATOR
    assert session.balancer is world.balancer


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (CommandError("No such table"), "No such table"),
        (OperationError("no-such-pool", "x"), "No such backend."),
        (OperationError("no-such-backend", "x"), "No such server."),
        (OperationError("no-such-listener", "x"), "No such frontend."),
        (OperationError("bad-value", "a weight is a number"), "A weight is a number."),
    ],
)
async def test_errors_are_haproxys(
    error: CommandError | OperationError, text: str, autojump_clock: MockClock, world: World
) -> None:
    session = await make(world)
    assert session.tell_error(error) == text
    session.severity = SeverityOutput.NUMBER
    assert session.tell_error(error) == f"[3]: {text}"
    session.severity = SeverityOutput.STRING
    assert session.tell_error(error) == f"[err]: {text}"
