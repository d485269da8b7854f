from __future__ import annotations

from support.admin import open_desk
from support.world import World
from trio.testing import MockClock

from trio_balancer.control.admin.api import Api
from trio_balancer.control.admin.app import make_routes
from trio_balancer.control.admin.pages import Pages
from trio_balancer.control.admin.probes import Probes


async def test_paths_that_change_take_post_alone(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    api = Api(desk.operations, desk.hub)
    probes = Probes(desk.operations.balancer, desk.metrics)
    for route in make_routes(api, probes, Pages()):
        assert route.methods in ({"GET", "HEAD"}, {"POST"})


async def test_answers_where_the_operator_looks(autojump_clock: MockClock, world: World) -> None:
    desk = await open_desk(world)
    for path in ("/", "/healthz", "/readyz", "/metrics", "/api/docs", "/api/status"):
        assert (await desk.get(path)).status_code == 200
    assert "<title>trio-balancer</title>" in (await desk.get("/")).text
