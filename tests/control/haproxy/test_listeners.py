from __future__ import annotations

import copy

import attrs
import pytest
from support.commands import operate
from support.world import BACKEND, THIRD, World, trade
from trio.testing import MockClock


async def test_a_listener_is_closed_and_opened(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    client = await world.client()
    assert await operator.command("disable frontend web") == ""
    with pytest.raises(ConnectionRefusedError):
        await world.client()
    assert await operator.command("disable frontend web") == "Frontend is already disabled.\n"
    assert await operator.command("enable frontend web") == ""
    await world.client()
    assert await operator.command("enable frontend web") == "Frontend is already enabled.\n"
    assert await trade(client) == b"ping"


async def test_a_listener_is_shut_down(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    client = await world.client()
    assert await operator.command("shutdown frontend web") == ""
    for command, reply in (
        ("shutdown", "Frontend was already shut down."),
        ("enable", "Frontend was previously shut down, cannot enable."),
        ("disable", "Frontend was previously shut down, cannot disable."),
    ):
        assert await operator.command(f"{command} frontend web") == f"{reply}\n"
    assert await trade(client) == b"ping"


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("disable frontend", "A frontend name is expected."),
        ("disable frontend mail", "No such frontend."),
        ("enable frontend mail", "No such frontend."),
        ("shutdown frontend mail", "No such frontend."),
        ("set maxconn frontend mail 3", "No such frontend."),
        # HAProxy takes the next two for 0, without a word.
        ("set maxconn frontend web x", "Integer value expected."),
        ("set rate-limit connections global x", "Integer value expected."),
        ("set maxconn frontend web", "Integer value expected."),
        ("set maxconn frontend web -1", "Value out of range."),
        ("set maxconn global x", "Integer value expected."),
        ("set maxconn global 999999999", "Value out of range."),
        (
            "set rate-limit connections web 3",
            "'set rate-limit connections' only supports 'global'.",
        ),
        ("set rate-limit", "'set rate-limit' supports 'connections', 'sessions'."),
        (
            "set rate-limit sessions global 3",
            "Rates are limited by listener: [listeners.NAME.access], rate.",
        ),
        ("clear counters now", "Unexpected argument 'now'."),
        ("clear counters all of", "Unexpected argument 'of'."),
    ],
)
async def test_what_is_refused(
    command: str, reply: str, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    before = world.balancer.statistics()
    assert await operator.command(command) == f"{reply}\n"
    assert world.balancer.statistics().listeners == before.listeners
    assert world.balancer.statistics().limit == before.limit


async def test_limits(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    for command in (
        "set maxconn frontend web 40",
        "set maxconn global 50",
        "set rate-limit connections global 0",
    ):
        assert await operator.command(command) == ""
    statistics = world.balancer.statistics()
    assert (statistics.listeners[0].limit, statistics.limit) == (40, 50)
    await operator.command("set maxconn frontend web 0; set maxconn global 0")
    statistics = world.balancer.statistics()
    assert (statistics.listeners[0].limit, statistics.limit) == (float("inf"), 100)


async def test_counters(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    await world.clients(2)
    assert await operator.command("clear counters") == ""
    assert world.balancer.statistics().traffic.accepted == 2
    assert world.balancer.statistics().traffic.rate_max == 0
    assert await operator.command("clear counters all") == ""
    assert world.balancer.statistics().traffic.accepted == 0
    # Rows that would be below zero are none.
    assert (await operator.command("show stat")).startswith("# pxname")


async def test_what_is_shut_down_stays_so_when_a_pool_is_changed(
    world: World, autojump_clock: MockClock
) -> None:
    operator = await operate(world)
    await operator.command("shutdown frontend web")

    assert "New server registered." in await operator.command(f"add server app/new {THIRD}")

    assert not world.balancer.gates["web"].bound
    read_again = copy.deepcopy(world.balancer.config.listeners)
    await world.balancer.reload(attrs.evolve(world.balancer.config, listeners=read_again))
    assert world.balancer.gates["web"].bound
