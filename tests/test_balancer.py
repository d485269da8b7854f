"""The handle of a running balancer."""

from __future__ import annotations

import attrs
import pytest
import trio
from support.world import BACKEND, OTHER, World, finish, is_reset, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import ConfigError, parse_config
from trio_balancer.config.model import RelayKind
from trio_balancer.flow.log import Log


async def test_says_where_it_listens(autojump_clock: MockClock, world: World) -> None:
    config = parse_config(
        """
[listeners.web]
bind = ["10.0.0.1:0", "[fd00::1]:443"]
pool = "app"
[listeners.mail]
bind = "10.0.0.1:25"
pool = "app"
[pools.app]
backends = ["10.0.1.1:80"]
"""
    )
    balancer = await world.serve(config)
    told = {name: list(map(str, found)) for name, found in balancer.addresses.items()}
    assert told == {"web": ["10.0.0.1:20000", "[fd00::1]:443"], "mail": ["10.0.0.1:25"]}


async def test_is_ready_once_it_serves(autojump_clock: MockClock, world: World) -> None:
    assert (await world.serve(make_config())).ready


async def test_stop_goes_on_accepting_for_the_delay(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(balancer='pre_stop_delay = "5s"'))
    world.nursery.start_soon(balancer.stop)
    await trio.sleep(4.9)
    assert not balancer.ready
    client = await world.client()
    assert await trade(client) == b"ping"
    await trio.sleep(0.2)
    with pytest.raises(ConnectionRefusedError):
        await world.client()
    assert await trade(client) == b"ping"
    await finish(client)
    assert world.returned


async def test_stop_without_a_delay_drains_at_once(autojump_clock: MockClock, world: World) -> None:
    balancer = await world.serve(make_config())
    await balancer.stop()
    await wait_all_tasks_blocked()
    assert world.returned
    assert trio.current_time() == 0


async def test_drain_takes_the_configured_patience(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(balancer='drain_timeout = "12s"'))
    client = await world.client()
    balancer.drain()
    assert not balancer.ready
    assert await is_reset(client)
    assert trio.current_time() == 12


async def test_drain_may_wait_for_ever(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = make_config(balancer='drain_timeout = "off"', listener='idle_timeout = "off"')
    balancer = await world.serve(config)
    client = await world.client()
    balancer.drain()
    await trio.sleep(50_000)
    assert await trade(client) == b"ping"


async def test_draining_is_told(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    clients = await world.clients(2)
    balancer.drain()
    for client in clients:
        await finish(client)
    (draining,) = world.lines("Draining")
    assert "connections=2" in draining
    (stopped,) = world.lines("Stopped")
    assert "accepted=2" in stopped


async def test_lends_its_log(autojump_clock: MockClock, world: World) -> None:
    balancer = await world.serve(make_config())
    assert isinstance(balancer.log, Log)
    balancer.log.info("Something of somebody else's")
    assert world.lines("Something of somebody else's")


async def test_a_reload_is_told_and_remembered(autojump_clock: MockClock, world: World) -> None:
    world.wall_start = 1000.0
    balancer = await world.serve(make_config(backends=(BACKEND,)))
    await trio.sleep(5)
    changes = await balancer.reload(make_config(backends=(BACKEND, OTHER)))
    assert str(changes) == "listeners +0 ~0 -0, pools +0 ~1 -0, backends +1 ~0 -0"
    (line,) = world.lines("Reloaded")
    assert line.endswith(f"Reloaded: {changes}")
    history = balancer.reloads
    assert (history.count, history.failed, history.last_at) == (1, 0, 1005.0)
    assert len(balancer.config.pools["app"].backends) == 2


async def test_every_problem_of_a_reload_is_a_line(autojump_clock: MockClock, world: World) -> None:
    config = make_config()
    balancer = await world.serve(config)
    whole = attrs.evolve(config.balancer, splice=False, relay=RelayKind.PORTABLE)
    with pytest.raises(ConfigError):
        await balancer.reload(attrs.evolve(config, balancer=whole))
    assert len(world.lines("Not reloaded, nothing has changed")) == 2
    assert (balancer.reloads.count, balancer.reloads.failed) == (1, 1)
    await balancer.reload(config)
    assert balancer.reloads.last_error is None


async def test_a_reload_holds_for_the_drain(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(balancer='drain_timeout = "12s"'))
    client = await world.client()
    await balancer.reload(make_config(balancer='drain_timeout = "3s"'))
    balancer.drain()
    assert balancer.drain_deadline == 3
    assert await is_reset(client)
    assert trio.current_time() == 3
