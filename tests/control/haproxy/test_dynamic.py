from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
import trio
from support.commands import operate
from support.world import BACKEND, OTHER, THIRD, World, trade
from trio.testing import MockClock

from trio_balancer import Config
from trio_balancer.control.operations import Operations
from trio_balancer.policy import Backend, Pool


def pool_of(world: World) -> Pool:
    return world.runtime.pools["app"]


def backend_of(world: World, name: str) -> Backend:
    return next(each for each in pool_of(world).backends if each.name == name)


async def test_a_backend_is_added_and_serves_when_it_may(
    autojump_clock: MockClock, world: World
) -> None:
    third = await world.server(THIRD)
    operator = await operate(world)
    reply = await operator.command(f"add server app/new {THIRD} weight 5 maxconn 9 backup check")
    assert reply == "New server registered.\n"
    new = backend_of(world, "new")
    assert (new.weight, new.max_connections, new.backup) == (5, 9, True)
    assert new.state.value == "maintenance"
    await operator.command("disable server app/one; disable server app/two")
    await operator.command("enable server app/new")
    client = await world.client()
    assert await trade(client) == b"ping"
    assert len(third.live) == 1


async def test_a_backend_is_removed_when_nobody_needs_it(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    client = await world.client()
    for reply in (
        "Only servers in maintenance mode can be deleted.",
        "Server still has connections attached to it, cannot remove it.",
    ):
        assert await operator.command("del server app/one") == f"{reply}\n"
        await operator.command("disable server app/one")
    client.reset()
    await trio.sleep(1)
    assert await operator.command("del server app/one") == "Server deleted.\n"
    assert [backend.name for backend in pool_of(world).backends] == ["two"]
    assert await operator.command("del server app/one") == "No such server.\n"
    await operator.command("disable server app/two")
    last = await operator.command("del server app/two")
    assert last == "A pool needs a server: this is its last one.\n"


async def test_a_backend_moves_and_its_connections_stay(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    moved = await world.server(THIRD)
    operator = await operate(world, pool='policy = "first"\n')
    client = await world.client()
    reply = await operator.command(f"set server app/one addr {THIRD.host} port 80")
    assert reply == (
        f"IP changed from '{BACKEND.host}' to '{THIRD.host}',"
        " no need to change the port by 'stats socket command'\n"
    )
    assert await trade(client) == b"ping"
    assert moved.streams == []
    await trade(await world.client())
    assert len(moved.streams) == 1


async def test_what_is_told_of_a_move(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    same = await operator.command(f"set server app/one addr {BACKEND.host}")
    assert same == (
        "no need to change the addr, no need to change the port by 'stats socket command'\n"
    )
    port = await operator.command(f"set server app/one addr {BACKEND.host} port 8080")
    assert port == (
        "no need to change the addr, port changed from '80' to '8080' by 'stats socket command'\n"
    )
    assert world.balancer.reloads.count == 1


async def test_places_of_every_kind(autojump_clock: MockClock, world: World) -> None:
    world.network.names["new.example"] = [THIRD]
    operator = await operate(world)
    assert "registered" in await operator.command("add server app/name new.example:80")
    assert "registered" in await operator.command("add server app/path unix:/run/app.sock")
    told = await operator.command("set server app/name addr 10.0.0.9")
    assert told.startswith("IP changed from 'new.example' to '10.0.0.9'")
    told = await operator.command("set server app/path addr 10.0.0.9 port 80")
    assert told.startswith("IP changed from '/run/app.sock' to '10.0.0.9', port changed from ''")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (f"add server app/one {OTHER}", "Already exists a server with the same name in backend."),
        (f"add server nob/one {OTHER}", "No such backend."),
        ("add server one", "Require 'backend/server'."),
        ("add server app/x", "'server' expects <name> and <addr>[:<port>] as arguments."),
        ("add server app/x 10.0.0.1", "'10.0.0.1' is not an address"),
        ("add server app/x 10.0.0.1:0", "Invalid addr '10.0.0.1:0' by 'stats socket command'"),
        (f"add server app/x {THIRD} fly", "Unknown keyword 'fly'."),
        (f"add server app/x {THIRD} weight", "Integer value expected."),
        (f"add server app/x {THIRD} weight 300", "Absolute weight can only be between 0 and 256"),
        ("set server app/one addr", "Invalid addr '' by 'stats socket command'"),
        ("set server app/one addr bad", "Invalid addr 'bad' by 'stats socket command'"),
        ("set server app/one addr ::1 port x", "Integer value expected."),
        ("set server app/one addr ::1 port 99999", "Invalid addr '::1'"),
        ("set server app/one addr ::1 prt 80", "'set server <srv> addr' expects"),
        ("set server app/zz addr ::1", "No such server."),
        ("del server app/one x", "Unexpected argument 'x'."),
    ],
)
async def test_what_is_refused(
    command: str, reply: str, autojump_clock: MockClock, world: World
) -> None:
    operator = await operate(world)
    assert (await operator.command(command)).startswith(reply)
    assert [backend.name for backend in pool_of(world).backends] == ["one", "two"]
    assert world.balancer.reloads.count == 0


async def test_a_pool_that_goes_meanwhile(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = await operate(world)
    amend = Operations.amend

    async def late(self: Operations, change: Callable[[Config], Config]) -> object:
        def without(config: Config) -> Config:
            return change(attrs.evolve(config, pools={}))

        return await amend(self, without)

    monkeypatch.setattr(Operations, "amend", late)
    assert await operator.command(f"add server app/x {THIRD}") == "Pool 'app' has gone.\n"
