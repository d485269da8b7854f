from __future__ import annotations

import math

import attrs
import pytest
from support.world import BACKEND, FRONT, OTHER, World, finish, keep, make_config, trade
from trio.testing import MockClock

from trio_balancer import BalancerStatistics


async def test_a_snapshot_of_everything(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(listener="max_connections = 7", backends=(BACKEND, OTHER)))
    first, _second, _third = await world.clients(3)
    await trade(first, b"12345")
    await finish(first)
    statistics = world.balancer.statistics()
    assert (statistics.active, statistics.limit, statistics.tokens) == (2, 100, 2)
    traffic = statistics.traffic
    assert (traffic.accepted, traffic.refused, traffic.accept_errors, traffic.bugs) == (3, 0, 0, 0)
    assert (traffic.bytes_up, traffic.bytes_down, traffic.endings) == (5, 5, {"--": 1})
    (web,) = statistics.listeners
    assert (web.name, web.active, web.limit, web.traffic) == ("web", 2, 7, traffic)
    (app,) = statistics.pools
    assert (app.name, app.active) == ("app", 2)
    assert [backend.active for backend in app.backends] == [1, 1]
    assert statistics.log.written == len(world.sink.lines)


async def test_a_listener_without_a_limit_says_so(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    assert world.balancer.statistics().listeners[0].limit == math.inf


async def test_a_snapshot_is_frozen(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config(listener='max_connections = 1\noverflow = "reject"'))
    before = world.balancer.statistics()
    await world.clients(2)
    assert isinstance(before, BalancerStatistics)
    assert (before.active, before.traffic.endings) == (0, {})
    assert world.balancer.statistics().traffic.endings == {"PR": 1}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        before.active = 3  # type: ignore[misc]  # that is the point


async def test_addresses_are_the_bound_ones(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    assert world.balancer.addresses == {"web": (FRONT,)}
