from __future__ import annotations

import json

import pytest
from support.commands import SOCKET, operate
from support.world import BACKEND, World
from trio.testing import MockClock
from wire.captures.decode import capture

import trio_balancer


async def test_stat_in_every_format(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    text = await operator.command("show stat")
    header, *rows = text.splitlines()
    captured = capture("stat-tcp.csv").splitlines()[0].partition(",-,")[0]
    assert header.partition(",-,")[0] == captured
    assert [row.split(",")[1] for row in rows] == ["FRONTEND", "one", "two", "BACKEND"]
    assert all(row.endswith(",") for row in rows)
    (row,) = [
        line
        for line in (await operator.command("show stat app 4 1 typed")).splitlines()
        if ".status." in line
    ]
    assert row == "S.3.1.17.status.1:SGP:str:no check"
    parsed = json.loads(await operator.command("show stat json"))
    assert [each[0]["objType"] for each in parsed] == ["Frontend", "Server", "Server", "Backend"]


async def test_filters(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)

    async def names(rest: str) -> list[str]:
        lines = (await operator.command(f"show stat {rest}")).splitlines()[1:]
        return [line.split(",")[1] for line in lines]

    assert await names("app 4 -1") == ["one", "two"]
    assert await names("-1 1 -1") == ["FRONTEND"]
    assert await names("3 6 2") == ["two"]
    await operator.command("disable server app/one")
    assert await names("app 4 -1 up") == ["two"]
    assert await names("app 4 -1 no-maint") == ["two"]
    assert await operator.command("show stat nobody") == "No such proxy.\n"
    assert await operator.command("show stat app x") == "Integer value expected.\n"


async def test_info(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert "\nMaxconn: 100\n" in await operator.command("show info")
    assert "15.Maxconn.1:CLP:u32:100\n" in await operator.command("show info typed")
    assert json.loads(await operator.command("show info json"))[0]["field"]["name"] == "Name"


async def test_small_ones(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    assert await operator.command("show version") == f"{trio_balancer.__version__}\n"
    assert await operator.command("show backend") == "# name\napp\n"
    assert await operator.command("get weight app/one") == "10 (initial 10)\n"
    assert (await operator.command("show errors")).startswith("Total events captured on [")
    assert await operator.command("show cli level") == "admin\n"
    assert await operator.command("show cli sockets") == (
        f"# socket lvl processes\nunix@{SOCKET.path} admin all\n"
    )


@pytest.mark.parametrize("what", ["state", "conn"])
async def test_servers(what: str, autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    captured = capture(f"servers-{what}.txt").splitlines()
    everything = await operator.command(f"show servers {what}")
    heading = 2 if what == "state" else 1
    assert everything.splitlines()[:heading] == captured[:heading]
    assert len(everything.splitlines()) == heading + 2
    assert await operator.command(f"show servers {what} app") == everything
    assert await operator.command(f"show servers {what} no") == "Can't find backend.\n"


async def test_sess(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world)
    assert await operator.command("show sess") == ""
    await world.clients(450)  # more than are listed at once
    listed = (await operator.command("show sess")).splitlines()
    assert len(listed) == 100
    assert listed[0].startswith("0x1: proto=tcpv4 src=")
    assert " fe=web be=app srv=one " in listed[0]
    assert await operator.command("show sess all") == "\n".join([*listed, ""])
    assert await operator.command("show sess 0x2") == f"{listed[1]}\n"
    assert await operator.command("show sess 0x999") == ""


async def test_table(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(
        world, more="[listeners.web.access]\nmax_per_client = 9\n", backends=(BACKEND,)
    )
    await world.clients(2)
    header = "# table: web, type: ip, size:100000, used:1\n"
    assert await operator.command("show table") == header
    table = await operator.command("show table web")
    assert table.startswith(header)
    assert table.endswith(" use=2 exp=0 conn_cur=2\n")
    key = str(world.runtime.connections[1].client_address).rpartition(":")[0]
    assert await operator.command(f"show table web key {key}") == table
    assert await operator.command("show table web key 192.0.2.1") == header
    assert await operator.command("show table web key") == "Key value expected\n"
    assert await operator.command("show table web data.x") == "Unknown action\n"
    assert await operator.command("show table no") == "No such table\n"
