"""The rows against those that HAProxy 2.6.12 wrote of a configuration like this one."""

from __future__ import annotations

import pytest
import trio
from support.commands import control_section, operate
from support.world import BACKEND, OTHER, THIRD, World, finish, trade
from trio.testing import MockClock, wait_all_tasks_blocked
from wire.captures.decode import capture

from trio_balancer import parse_config
from trio_balancer.control.haproxy.stat_rows import stat_rows
from trio_balancer.wire.haproxy_columns import Kind
from trio_balancer.wire.haproxy_stats import StatRow, csv

# As in the capture, with other addresses.
LIKE_THE_CAPTURE = f"""
[balancer]
max_connections = 200
[listeners.fe_main]
bind = "10.0.0.1:80"
max_connections = 50
pool = "be_app"
[listeners.fe_dead]
bind = "10.0.0.1:81"
pool = "be_dead"
[listeners.fe_nochk]
bind = "10.0.0.1:82"
pool = "be_nochk"
[listeners.fe_q]
bind = "10.0.0.1:83"
pool = "be_q"
[pools.be_app]
policy = "least-connections"
backends = [
  {{ name = "s1", address = "{BACKEND}", weight = 10 }},
  {{ name = "s2", address = "{OTHER}", weight = 20 }},
  {{ name = "s3", address = "{THIRD}", backup = true }},
]
[pools.be_dead]
backends = [{{ name = "d1", address = "10.0.9.9:80" }}]
[pools.be_nochk]
backends = [{{ name = "n1", address = "10.0.9.9:80" }}]
health.type = "none"
[pools.be_q]
backends = [{{ name = "q1", address = "{BACKEND}", max_connections = 1 }}]
health.type = "none"
"""
# What depends on the moment, the address or the machine's own insides.
CHANGING = {
    "iid",
    "addr",
    "scur",
    "smax",
    "stot",
    "bin",
    "bout",
    "econ",
    "eresp",
    "wretr",
    "wredis",
    "cli_abrt",
    "srv_abrt",
    "chkfail",
    "lastchg",
    "downtime",
    "lbtot",
    "rate",
    "rate_max",
    "conn_rate",
    "conn_rate_max",
    "conn_tot",
    "dcon",
    "connect",
    "lastsess",
    "qmax",
    "ctime",
    "qtime",
    "ttime",
    "ttime_max",
    "check_duration",
    "need_conn_est",
    "slim",
}


def rows_of(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """Read a CSV by the names of its rows; empty columns are left out."""
    header, *lines = text.strip().splitlines()
    names = header.removeprefix("# ").split(",")
    rows = {}
    for line in lines:
        cells = dict(zip(names, line.split(","), strict=False))
        rows[cells["pxname"], cells["svname"]] = {
            name: cell for name, cell in cells.items() if cell and name not in {"-", ""}
        }
    return rows


CAPTURED = rows_of(capture("stat-pools.csv"))
SAME = [
    ("fe_main", "FRONTEND"),
    ("be_app", "s1"),
    ("be_app", "s2"),
    ("be_app", "s3"),
    ("be_app", "BACKEND"),
    ("be_dead", "d1"),
    ("be_dead", "BACKEND"),
    ("be_nochk", "n1"),
    ("be_nochk", "BACKEND"),
    ("be_q", "q1"),
    ("be_q", "BACKEND"),
]


async def running_rows(world: World) -> dict[tuple[str, str], dict[str, str]]:
    for address in (BACKEND, OTHER, THIRD):
        await world.server(address)
    await world.serve(parse_config(LIKE_THE_CAPTURE + control_section()))
    await trio.sleep(28)
    return rows_of(csv(stat_rows(world.balancer)))


async def test_the_same_rows_in_the_same_order(autojump_clock: MockClock, world: World) -> None:
    rows = await running_rows(world)
    here = [name for name in rows if name in CAPTURED]
    assert here == [name for name in CAPTURED if name in rows]
    assert set(SAME) <= set(here)


@pytest.mark.parametrize("name", SAME)
async def test_rows_have_the_columns_of_the_capture(
    name: tuple[str, str], autojump_clock: MockClock, world: World
) -> None:
    row, captured = (await running_rows(world))[name], CAPTURED[name]
    assert set(captured) - set(row) == set()
    assert set(row) - set(captured) == set()
    different = {
        column: (row[column], captured[column])
        for column in set(captured) - CHANGING
        if row[column] != captured[column]
    }
    assert different == {}


def row(world: World, name: str) -> StatRow:
    (found,) = (
        each for each in stat_rows(world.balancer) if each.proxy == name and not each.server
    )
    return found


async def test_a_listener(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(
        world,
        listener="max_connections = 50",
        more='[listeners.web.access]\nmax_per_client = 2\nrate = "100/s"\n',
        backends=(BACKEND,),
    )
    first, _second, _refused = await world.clients(3)
    await trade(first, b"12345")
    await finish(first)
    values = row(world, "web").values
    assert (values["scur"], values["smax"], values["slim"]) == (1, 3, 50)
    assert (values["stot"], values["conn_tot"], values["dcon"], values["ereq"]) == (2, 3, 1, 0)
    assert (values["bin"], values["bout"], values["rate"], values["rate_lim"]) == (5, 5, 3, 100)
    assert (values["status"], row(world, "web").kind) == ("OPEN", Kind.FRONTEND)
    await operator.command("disable frontend web")
    assert row(world, "web").values["status"] == "PAUSED"
    await operator.command("shutdown frontend web")
    assert row(world, "web").values["status"] == "STOP"


async def test_clients_that_never_say_who_they_are(autojump_clock: MockClock, world: World) -> None:
    await operate(
        world, more='[listeners.web.proxy_protocol]\ntrusted = ["0.0.0.0/0"]\n', backends=(BACKEND,)
    )
    client = await world.client()
    await client.send_all(b"GET / HTTP/1.0\r\n\r\n" + b"x" * 100)
    await wait_all_tasks_blocked()
    assert row(world, "web").values["ereq"] == 1


async def test_a_pool_that_goes_down(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    await operate(world, more="", backends=(BACKEND,))
    server.stop()
    await world.until(lambda: row(world, "app").values["status"] == "DOWN")
    await trio.sleep(5)
    values = row(world, "app").values
    assert (values["chkdown"], values["act"], values["weight"]) == (1, 0, 0)
    assert int(values["lastchg"]) == int(values["downtime"]) == 5


async def test_a_pool_that_queues(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    operator = await operate(world, pool='queue_timeout = "2s"\n')
    await operator.command("disable server app/two; set maxconn server app/one 1")
    await world.clients(3)
    values = row(world, "app").values
    assert (values["qcur"], values["qmax"], values["scur"], values["stot"]) == (2, 2, 1, 3)
    await trio.sleep(3)
    values = row(world, "app").values
    assert (values["qcur"], values["qmax"], values["econ"]) == (0, 2, 2)


async def test_what_a_pool_calls_full(autojump_clock: MockClock, world: World) -> None:
    rows = await running_rows(world)
    # A tenth of the 50 of its listener; elsewhere of what the whole process may have.
    assert (rows["be_app", "BACKEND"]["slim"], rows["be_q", "BACKEND"]["slim"]) == ("5", "20")
