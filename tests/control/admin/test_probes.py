from __future__ import annotations

from support.admin import open_desk
from support.world import BACKEND, World, finish, make_config
from trio.testing import MockClock

from trio_balancer.control.admin.probes import why_not_ready

FAST = '[pools.app.health]\ninterval = "1s"\nfall = 1\nrise = 1\n'
REQUIRED = make_config(pool="required = true", more=FAST)


async def test_it_lives(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_while_it_serves(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": []})


async def test_not_ready_once_it_stops(autojump_clock: MockClock, world: World) -> None:
    await world.server()
    desk = await open_desk(world)
    client = await world.client()
    desk.operations.balancer.drain()
    answer = await desk.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reasons": ["the balancer is stopping"]}
    assert (await desk.get("/healthz")).status_code == 200
    await finish(client)


async def test_a_required_pool_needs_a_backend(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    desk = await open_desk(world, REQUIRED)
    assert (await desk.get("/readyz")).status_code == 200
    server.stop()
    await world.until(lambda: bool(why_not_ready(world.balancer)))
    answer = await desk.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["no backend of pool app is up"]
    await server.start()
    await world.until(lambda: not why_not_ready(world.balancer))


async def test_a_drained_pool_is_not_up(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world, make_config(pool="required = true"))
    desk.operations.drain("app")
    assert why_not_ready(world.balancer) == ["no backend of pool app is up"]


async def test_other_pools_may_be_down(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world, make_config(more=FAST))
    await world.until(lambda: "down" in (str(desk.operations.status()["pools"])))
    assert why_not_ready(world.balancer) == []


async def test_metrics_are_plain_text(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    answer = await desk.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "haproxy_process_current_connections 0.0\n" in answer.text
