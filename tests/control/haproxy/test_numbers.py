from __future__ import annotations

from support.world import World
from trio.testing import MockClock

from trio_balancer import parse_config
from trio_balancer.control.haproxy.numbers import listener_ids, pool_ids


async def test_listeners_come_first_as_in_haproxy(autojump_clock: MockClock, world: World) -> None:
    config = """
[listeners.web]
bind = "10.0.0.1:80"
pool = "app"
[listeners.app]
bind = "10.0.0.1:81"
pool = "app"
[pools.app]
backends = ["10.0.1.1:80"]
[pools.other]
backends = ["10.0.1.1:80"]
"""
    await world.serve(parse_config(config))
    assert listener_ids(world.balancer) == {"web": 2, "app": 3}
    assert pool_ids(world.balancer) == {"app": 4, "other": 5}
