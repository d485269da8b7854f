"""Reload: who is there keeps what it began with; limits, rules and the log change at once."""

from __future__ import annotations

import attrs
import trio
from support.reloads import renamed
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock


async def test_the_same_configuration_changes_nothing(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    socket, client = world.network.listener_at(FRONT), await world.client()
    changes = await balancer.reload(make_config())
    assert str(changes) == "listeners +0 ~0 -0, pools +0 ~0 -0, backends +0 ~0 -0"
    assert world.network.listener_at(FRONT) is socket
    assert await trade(client) == b"ping"
    assert await trade(await world.client()) == b"ping"


async def test_who_is_there_keeps_its_timeouts(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    balancer = await world.serve(make_config(listener='lifetime = "10s"\nlifetime_jitter = 0'))
    before = await world.client()
    await balancer.reload(make_config(listener='lifetime = "2s"\nlifetime_jitter = 0'))
    after = await world.client()
    assert await is_reset(after)
    assert trio.current_time() == 2
    assert await is_reset(before)
    assert trio.current_time() == 10


async def test_who_dials_keeps_its_timeouts(autojump_clock: MockClock, world: World) -> None:
    world.network.blackhole(BACKEND)
    pool = 'connect_timeout = "10s"\nconnect_attempts = 1'
    balancer = await world.serve(make_config(pool=pool))
    client = await world.client()
    await balancer.reload(make_config(pool=pool.replace("10s", "1s")))
    assert await is_reset(client)
    assert trio.current_time() == 10


async def test_a_limit_holds_at_once_and_cuts_nobody(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(listener="max_connections = 4"))
    clients = await world.clients(4)
    await balancer.reload(make_config(listener="max_connections = 2"))
    waiting = await world.client()
    assert world.runtime.totals.accepted == 4
    for client in clients[:2]:
        await finish(client)
    assert world.runtime.totals.accepted == 4
    await finish(clients[2])
    assert await trade(waiting) == b"ping"
    await balancer.reload(make_config())
    assert balancer.statistics().listeners[0].limit == float("inf")


async def test_the_global_limit_and_the_overflow_hold_at_once(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    config = make_config()
    balancer = await world.serve(config)
    await world.clients(3)
    fewer = attrs.evolve(config.balancer, max_connections=2)
    await balancer.reload(attrs.evolve(config, balancer=fewer))
    assert balancer.statistics().limit == 2
    assert len(world.runtime.connections) == 3
    world.runtime.limiter.total_tokens = 50  # as an operator may
    await balancer.reload(attrs.evolve(config, balancer=fewer))
    assert balancer.statistics().limit == 50
    await balancer.reload(config)
    assert balancer.statistics().limit == 100


async def test_access_rules_hold_at_once_and_cut_nobody(
    autojump_clock: MockClock, world: World
) -> None:
    rules = "[listeners.web.access]\ndeny = ['0.0.0.0/0']\nmax_per_client = 5\n"
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    client = await world.client()
    await balancer.reload(make_config(more=NO_CHECKS + rules))
    assert await is_reset(await world.client())
    assert await trade(client) == b"ping"
    allow = NO_CHECKS + rules.replace("deny = ['0.0.0.0/0']", "")
    await balancer.reload(make_config(more=allow))
    counted = await world.client()
    await balancer.reload(make_config())
    await finish(counted)
    await balancer.reload(make_config(more=allow))
    assert len(await world.clients(5)) == 5
    assert await is_reset(await world.client())
    assert world.balancer.statistics().traffic.bugs == 0


async def test_the_log_s_settings_hold_at_once(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = make_config()
    balancer = await world.serve(config)
    quiet = attrs.evolve(config.log, connections=False)
    await balancer.reload(attrs.evolve(config, log=quiet))
    await finish(await world.client())
    assert world.lines("ending=") == []
    await balancer.reload(config)
    await finish(await world.client())
    assert len(world.lines("ending=--")) == 1


async def test_counters_never_go_back(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    await finish(await world.client())
    other = renamed("web", "site", make_config())
    before = balancer.statistics().traffic
    await balancer.reload(other)
    assert balancer.statistics().traffic == before
    await finish(await world.client())
    await balancer.reload(make_config())
    assert balancer.statistics().traffic.accepted == 2
    (listener,) = balancer.statistics().listeners
    assert (listener.name, listener.traffic.accepted) == ("web", 1)


async def test_those_of_pools_and_backends_neither(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    await finish(await world.client())
    for name in ("shop", "app"):
        await balancer.reload(renamed("app", name, make_config()))
        served = balancer.statistics().pool_traffic[name]
        assert (served.whole.chosen, served.backends[str(BACKEND)].chosen) in {(0, 0), (1, 1)}
    assert served.whole.chosen == 1
