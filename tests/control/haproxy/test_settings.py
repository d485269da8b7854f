from __future__ import annotations

import pytest
from support.commands import Terminal, operate
from support.world import World
from trio.testing import MockClock


async def test_severity_output(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    line = "set severity-output number; disable server app/x; get weight app/one"
    replies = await operator.ask(line)
    assert replies == "\n[3]: No such server.\n\n10 (initial 10)\n\n"
    assert "[err]: No such server." in await operator.ask(
        "set severity-output string; disable server app/x"
    )
    wrong = await operator.command("set severity-output loud")
    assert wrong == "one of 'none', 'number', 'string' is a required argument\n"


async def test_levels_go_down(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    terminal = Terminal(await operator.connect())
    await terminal.say("prompt")
    assert await terminal.say("show cli level") == "admin\n"
    await terminal.say("operator")
    assert await terminal.say("show cli level") == "operator\n"
    assert await terminal.say("disable server app/one") == "Permission denied\n"
    assert await terminal.say("clear counters") == ""
    await terminal.say("user")
    assert await terminal.say("clear counters") == "Permission denied\n"
    assert await terminal.say("show cli level") == "user\n"


@pytest.mark.parametrize("delay", ["10", "10s", "500ms", "2m", "1h", "1d", "20000us"])
async def test_timeouts(delay: str, autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert await operator.command(f"set timeout cli {delay}") == ""


@pytest.mark.parametrize("delay", ["", "0", "x", "-1", "10y", "2d"])
async def test_what_is_no_timeout(delay: str, autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert await operator.command(f"set timeout cli {delay}") == "Invalid timeout value.\n"
