"""The page as a scraper reads it, and what writing it costs everybody else."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families
from support.admin import Desk, open_desk
from support.world import BACKEND, NO_CHECKS, OTHER, World, finish, make_config
from trio.testing import MockClock

from trio_balancer.control.admin.metrics import MOST_LINES

CHECKED = '[pools.app.health]\ninterval = "1s"\nfall = 1\n'
Told = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(page: bytes) -> Told:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def value(told: Told, name: str, **labels: str) -> float:
    return told[name, frozenset(labels.items())]


async def busy_desk(world: World) -> Desk:
    """One backend that is up, one that is down, and one connection that is over."""
    await world.server(BACKEND)
    desk = await open_desk(world, make_config(backends=(BACKEND, OTHER), more=CHECKED))
    await world.until(lambda: "down" in str(desk.operations.status()["pools"]))
    await finish(await world.client())
    return desk


async def test_haproxys_names(autojump_clock: MockClock, world: World) -> None:
    told = parse(await (await busy_desk(world)).metrics.page())
    assert value(told, "haproxy_process_connections_total") == 1
    assert value(told, "haproxy_frontend_sessions_total", proxy="web") == 1
    assert value(told, "haproxy_backend_active_servers", proxy="app") == 1
    server = {"proxy": "app", "server": str(OTHER)}
    assert value(told, "haproxy_server_status", **server, state="DOWN") == 1
    assert value(told, "haproxy_server_status", **server, state="UP") == 0


async def test_our_own_names(autojump_clock: MockClock, world: World) -> None:
    told = parse(await (await busy_desk(world)).metrics.page())
    assert value(told, "trio_balancer_ready") == 1
    assert value(told, "trio_balancer_reloads_total") == 0
    assert value(told, "trio_balancer_endings_total", listener="web", ending="--") == 1
    assert value(told, "trio_balancer_held_connections", pool="app") == 0
    assert value(told, "trio_balancer_ejected", pool="app", backend=str(BACKEND)) == 0


async def test_histograms(autojump_clock: MockClock, world: World) -> None:
    told = parse(await (await busy_desk(world)).metrics.page())
    backend = {"pool": "app", "backend": str(BACKEND)}
    assert value(told, "trio_balancer_connect_time_seconds_count", **backend) == 1
    assert value(told, "trio_balancer_connect_time_seconds_bucket", **backend, le="+Inf") == 1
    assert value(told, "trio_balancer_queue_time_seconds_count", pool="app") == 1
    assert value(told, "trio_balancer_connection_time_seconds_count", listener="web") == 1
    assert value(told, "trio_balancer_connection_up_bytes_sum", listener="web") == 0
    assert value(told, "trio_balancer_connection_down_bytes_count", listener="web") == 1


async def test_a_counter_never_goes_backwards(autojump_clock: MockClock, world: World) -> None:
    desk = await busy_desk(world)
    with desk.metrics.counting():
        before = parse(await desk.metrics.page())
        await finish(await world.client())
        await world.balancer.reload(make_config(backends=(OTHER,), more=CHECKED))
        meanwhile = parse(await desk.metrics.page())
        await world.balancer.reload(make_config(backends=(OTHER, BACKEND), more=CHECKED))
        after = parse(await desk.metrics.page())
    gone = frozenset({"pool": "app", "backend": str(BACKEND)}.items())
    assert ("trio_balancer_connect_time_seconds_count", gone) not in meanwhile
    for key in before:
        if key[0].endswith(("_total", "_count", "_sum", "_bucket")):
            assert after[key] >= before[key], key


def promtool(page: bytes) -> str:
    """Return what it says of a page."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed")
    arguments = [program, "check", "metrics"]
    checked = subprocess.run(arguments, input=page, capture_output=True, check=False)
    return (checked.stdout + checked.stderr).decode()


async def test_promtool_finds_nothing(autojump_clock: MockClock, world: World) -> None:
    page = await (await busy_desk(world)).metrics.page()
    assert promtool(page) == ""


async def test_names_may_be_hostile(autojump_clock: MockClock, world: World) -> None:
    config = make_config(
        backends=(),
        more=NO_CHECKS
        + "[[pools.app.backends]]\n"
        + f'name = \'a"}}\\<script>\'\naddress = "{BACKEND}"\n',
    )
    desk = await open_desk(world, config)
    told = parse(await desk.metrics.page())
    assert value(told, "haproxy_server_weight", proxy="app", server='a"}\\<script>') == 1


async def test_a_large_family_is_written_once(autojump_clock: MockClock, world: World) -> None:
    addresses = [f"10.0.2.{number}:80" for number in range(1, 101)]
    desk = await open_desk(world, make_config(backends=addresses, more=CHECKED))
    page = await desk.metrics.page()
    lines = page.decode().split("\n")
    states = [line for line in lines if line.startswith("haproxy_server_check_status{")]
    assert len(states) > 2 * MOST_LINES
    headers = [line for line in lines if line.startswith("#")]
    assert len(headers) == len(set(headers))
    assert len([line for line in lines if line]) == len(headers) + len(parse(page))


async def test_others_run_meanwhile(autojump_clock: MockClock, world: World) -> None:
    addresses = [f"10.0.2.{number}:80" for number in range(1, 201)]
    desk = await open_desk(world, make_config(backends=addresses))
    turns = 0

    async def somebody() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(somebody)
        started = time.perf_counter()
        page = await desk.metrics.page()
        took = time.perf_counter() - started
        nursery.cancel_scope.cancel()
    assert page.count(b"\n") > 5000
    # Some five seconds would be a mistake of another kind than the machine's mood.
    assert turns > 50
    assert took < 5


async def test_nothing_global_is_touched(autojump_clock: MockClock, world: World) -> None:
    first = await open_desk(world)
    assert first.metrics.registry is not type(first.metrics)(first.operations).registry
