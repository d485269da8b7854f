from __future__ import annotations

import pytest
from support.commands import operate
from support.world import World
from trio.testing import MockClock

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.control.haproxy.commands import CATALOGUE


@pytest.mark.parametrize("level", ["user", "operator"])
async def test_levels_hold_for_every_command(
    level: str, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world, level=level)
    order = list(ControlLevel)
    for entry in CATALOGUE.entries:
        reply = await operator.ask(" ".join(entry.name))
        forbidden = order.index(entry.level) > order.index(ControlLevel(level))
        assert (reply == "Permission denied\n\n") is forbidden, entry.usage
    assert world.balancer.ready


async def test_no_command_fails_in_a_strange_way(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    for entry in CATALOGUE.entries:
        for rest in ("", " x", " app/one", " app/one x", " \N{SNOWMAN}/\x1b[2J", " web -1"):
            await operator.ask(" ".join(entry.name) + rest)
    assert world.lines("A bug") == []


async def test_nothing_is_no_command(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert await operator.ask(" ; ") == "\n\n"
