from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from support.commands import operate
from support.world import BACKEND, OTHER, World, finish, hang_up, keep, trade
from trio.testing import MockClock

from trio_balancer.control.haproxy.stat_rows import stat_rows
from trio_balancer.wire.haproxy_columns import Kind

if TYPE_CHECKING:
    from trio_balancer.wire.haproxy_fields import Value


def server(world: World, name: str = "one") -> dict[str, Value]:
    """Return the columns of a backend."""
    (row,) = (row for row in stat_rows(world.balancer) if row.server == name)
    assert row.kind is Kind.SERVER
    return dict(row.values)


async def test_traffic(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await operate(world, pool='policy = "first"\n')
    first, second = await world.clients(2)
    await trade(first, b"12345")
    await trio.sleep(3)
    await finish(first)
    row = server(world)
    assert (row["scur"], row["smax"], row["stot"], row["lbtot"]) == (1, 2, 2, 2)
    assert (row["bin"], row["bout"], row["lastsess"]) == (5, 5, 3)
    assert (row["rate"], row["rate_max"], row["connect"]) == (0, 2, 2)
    assert (row["ttime"], row["ttime_max"], row["ctime"], row["qtime"]) == (3000, 3000, 0, 0)
    assert server(world, "two")["lastsess"] == -1
    second.reset()
    await trio.sleep(1)
    assert server(world)["cli_abrt"] == 1


async def test_a_backend_that_breaks_off(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, hang_up)
    await operate(world, backends=(BACKEND,))
    await world.client()
    await trio.sleep(1)
    row = server(world, str(BACKEND))
    assert (row["eresp"], row["srv_abrt"], row["cli_abrt"]) == (1, 1, 0)


async def test_a_backend_that_refuses(autojump_clock: MockClock, world: World) -> None:
    await operate(world, backends=(BACKEND,))
    await world.client()
    await trio.sleep(10)
    row = server(world, str(BACKEND))
    assert (row["econ"], row["wretr"], row["wredis"], row["connect"]) == (1, 2, 0, 3)


async def test_one_that_is_reached_after_another(autojump_clock: MockClock, world: World) -> None:
    await world.server(OTHER, keep)
    await operate(world)
    client = await world.client()
    client.reset()
    await trio.sleep(1)
    assert (server(world, "two")["wredis"], server(world, "two")["wretr"]) == (1, 0)


async def test_settings(autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world)
    await operator.command("set weight app/one 4")
    row = server(world)
    assert (row["weight"], row["uweight"], row["act"], row["bck"]) == (4, 4, 1, 0)
    assert (row["addr"], row["status"]) == (str(BACKEND), "no check")
    assert "slim" not in row
    assert "check_status" not in row
    assert server(world, "two")["slim"] == 7


async def test_slow_start(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world, pool='slow_start = "100s"\n')
    assert "throttle" not in server(world)
    await operator.command("disable server app/one; enable server app/one")
    await trio.sleep(50)
    row = server(world)
    assert (row["throttle"], row["weight"], row["uweight"]) == (55, 6, 10)


@pytest.mark.parametrize("command", ["disable server app/one", "set server app/one state maint"])
async def test_maintenance(command: str, autojump_clock: MockClock, world: World) -> None:
    operator = await operate(world, more="")
    await operator.command(command)
    assert server(world)["status"] == "MAINT"
