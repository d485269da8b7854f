from __future__ import annotations

import pytest
from support.commands import operate
from support.world import BACKEND, OTHER, World, is_reset
from trio.testing import MockClock, wait_all_tasks_blocked


@pytest.mark.parametrize(
    ("command", "weight"),
    [
        ("set weight app/one 5", 5),
        ("set weight app/one 50%", 5),
        ("set weight app/one 0", 0),
        ("set server app/one weight 256", 256),
        ("set server app/one weight 200%", 20),
    ],
)
async def test_weights(command: str, weight: int, autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert await operator.command(command) == ""
    assert await operator.command("get weight app/one") == f"{weight} (initial 10)\n"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("set weight app/one", "Require <weight> or <weight%>."),
        ("set weight app/one x", "Require <weight> or <weight%>."),
        ("set weight app/one 1.5", "Require <weight> or <weight%>."),
        ("set weight app/one 300", "Absolute weight can only be between 0 and 256 inclusive."),
        ("set weight app/one -1", "Absolute weight can only be between 0 and 256 inclusive."),
        ("set weight app/one 9999%", "Absolute weight can only be between 0 and 256 inclusive."),
        ("set weight one 5", "Require 'backend/server'."),
        ("set weight", "Require 'backend/server'."),
        ("set weight app/zz 5", "No such server."),
        ("get weight nob/zz", "No such backend."),
        ("set server app/zz state ready", "No such server."),
        ("set server nob/zz state ready", "No such backend."),
        (
            "set server app/one state bogus",
            "'set server <srv> state' expects 'ready', 'drain' and 'maint'.",
        ),
        (
            "set server app/one state",
            "'set server <srv> state' expects 'ready', 'drain' and 'maint'.",
        ),
        (
            "set server app/one",
            "'set server <srv>' only supports 'agent', 'health', 'state', 'weight' and 'addr'.",
        ),
        ("set server app/one agent up", "agent checks are not enabled on this server."),
        ("set server app/one agent", "'set server <srv> agent' expects 'up' or 'down'."),
        (
            "set server app/one health odd",
            "'set server <srv> health' expects 'up', 'stopping', or 'down'.",
        ),
        ("set server app/one health up", "Health checks are not configured on this server."),
        (
            "set server app/one health stopping",
            "'stopping' is not supported: use 'set server <srv> state drain'.",
        ),
        ("disable server app/zz", "No such server."),
        ("disable server one", "Require 'backend/server'."),
        (
            "enable health app/one",
            "Health checks are not configured on this server, cannot enable.",
        ),
        (
            "disable health app/one",
            'Health checks cannot be disabled: set their type to "none", and reload.',
        ),
        ("enable agent app/one", "Agent was not configured on this server, cannot enable."),
        ("set maxconn server app/one", "Integer value expected."),
        ("set maxconn server app/one x", "Integer value expected."),
        ("set maxconn server app/zz 5", "No such server."),
        ("shutdown session", "Session pointer expected (use 'show sess')."),
        ("shutdown session 0x123", "No such session (use 'show sess')."),
        ("shutdown sessions server app", "Require 'backend/server'."),
        ("shutdown sessions server app/one x", "Unexpected argument 'x'."),
    ],
)
async def test_what_is_refused(
    command: str, reply: str, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    assert await operator.command(command) == f"{reply}\n"


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("set server app/one state drain", "drain"),
        ("set server app/one state maint", "maintenance"),
        ("disable server app/one", "maintenance"),
    ],
)
async def test_states_and_back(
    command: str, state: str, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    (backend, _) = world.runtime.pools["app"].backends
    assert await operator.command(command) == ""
    assert backend.state.value == state
    await operator.command("set server app/one state ready")
    assert backend.state.value == "up"
    await operator.command(f"{command}; enable server app/one")
    assert backend.state.value == "up"


async def test_health_is_believed_until_the_next_checks(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    operator = await operate(world, more="")
    backend = world.runtime.pools["app"].backends[0]
    failed = backend.checks_failed
    assert await operator.command("set server app/one health down") == ""
    assert (backend.state.value, backend.reason) == ("down", "set down by the operator")
    assert backend.checks_failed == failed
    assert await operator.command("set server app/one health up") == ""
    assert (backend.state.value, backend.reason) == ("up", "set up by the operator")
    await operator.command("set server app/one health down")
    await world.until(lambda: backend.state.value == "up")
    assert await operator.command("enable health app/one") == ""


async def test_limits_of_a_backend(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    one, two = world.runtime.pools["app"].backends
    assert await operator.command("set maxconn server app/one 3") == ""
    assert await operator.command("set maxconn server app/two 0") == ""
    assert (one.max_connections, two.max_connections) == (3, None)


async def test_sessions_are_shut_down(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    operator = await operate(world, backends=(BACKEND, OTHER))
    first, second, third = await world.clients(3)
    assert await operator.command("shutdown session 0x1") == ""
    assert await is_reset(first)
    assert await operator.command(f"shutdown sessions server app/{OTHER}") == ""
    assert await is_reset(second)
    third.reset()
    await wait_all_tasks_blocked()
    assert world.endings() == ["KD", "KD", "CD"]
