from __future__ import annotations

from support.commands import operate
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.haproxy.commands import CATALOGUE


def test_the_longest_name_wins() -> None:
    found = CATALOGUE.find(["clear", "counters", "all", "x"])
    assert found is not None
    assert (found[0].usage, found[1]) == ("clear counters all", ["x"])
    shorter = CATALOGUE.find(["clear", "counters", "alles"])
    assert shorter is not None
    assert (shorter[0].usage, shorter[1]) == ("clear counters", ["alles"])
    assert CATALOGUE.find(["clear"]) is None
    assert CATALOGUE.find([]) is None


def test_names_are_unique_and_in_order() -> None:
    names = [entry.name for entry in CATALOGUE.entries]
    assert len(set(names)) == len(names)
    own = [name for name in names if name[0] not in {"help", "prompt", "quit"}]
    assert own == sorted(own)


async def test_help_lists_what_is_allowed(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world, level="user")
    text = await operator.command("help")
    assert text.startswith("The following commands are valid at this level:\n")
    assert "  show version                            : tell the version\n" in text
    assert "set weight" not in text
    assert all(line[42:44] == ": " for line in text.splitlines()[1:])


async def test_help_on_some_commands(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    lines = (await operator.command("help set maxconn")).splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["set"] * 3 + ["help", "prompt", "quit"]


async def test_an_unknown_command_is_answered_with_likely_ones(
    autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    text = await operator.command("show everything")
    assert text.startswith(
        "Unknown command, but maybe one of the following ones is a better match:\n"
    )
    assert "  show stat [desc|json|no-maint|typed|up]*: tell the statistics\n" in text
    assert "set weight" not in text
    assert "\n  quit " in await operator.command("bogus")
