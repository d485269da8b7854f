"""The listeners of a balancer, those that have left included."""

from __future__ import annotations

import attrs
import pytest
import trio
from support.world import BACKEND, FRONT, World, finish, make_config
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config
from trio_balancer.config.model import ListenerConfig
from trio_balancer.flow import gates
from trio_balancer.flow.gates import Gates
from trio_balancer.wire.address import inet_address

SIDE = inet_address("10.0.0.1", 81)


def gates_of(world: World) -> Gates:
    return world.balancer._house.gates


def named(name: str) -> Config:
    config = make_config()
    return attrs.evolve(config, listeners={name: attrs.evolve(config.listeners["web"], name=name)})


async def test_one_that_left_is_gone_with_its_last_connection(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client, everybody = await world.client(), gates_of(world)
    (gate,) = everybody.in_force.values()
    await world.balancer.reload(named("site"))
    assert everybody.leaving == {gate}
    assert gate.draining
    assert not everybody.draining
    await finish(client)
    assert everybody.leaving == set()


async def test_one_that_comes_back_goes_on_counting(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(listener="max_connections = 3"))
    client = await world.client()
    listener = world.balancer.gates["web"].listener
    await world.balancer.reload(named("site"))
    await world.balancer.reload(make_config(listener="max_connections = 3"))
    assert world.balancer.gates["web"].listener is listener
    assert (listener.active, listener.totals.accepted) == (1, 1)
    assert listener.limiter.borrowed_tokens == 1
    await finish(client)
    world.assert_nothing_is_held()


async def test_those_who_left_long_ago_are_forgotten_without_connections(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "MOST_DEPARTED", 2)
    await world.server(BACKEND)
    await world.serve(make_config())
    await world.client()
    for number in range(6):
        await world.balancer.reload(named(f"n{number}"))
    assert sorted(gates_of(world)._states) == ["n3", "n4", "n5", "web"]


async def test_nobody_is_let_in_once_it_is_cancelled(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config())
    assert not gates_of(world).draining
    world.scope.cancel()
    await wait_all_tasks_blocked()
    assert gates_of(world).draining


async def test_drained_all_have_the_same_deadline(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = make_config()
    both = {"web": config.listeners["web"], "side": _at_side(config)}
    await world.serve(attrs.evolve(config, listeners=both))
    await world.client(FRONT)
    await world.client(SIDE)
    await world.balancer.reload(config)
    world.balancer.drain(3)
    await trio.sleep(2.9)
    assert len(world.runtime.connections) == 2
    await trio.sleep(0.2)
    assert world.returned


def _at_side(config: Config) -> ListenerConfig:
    return attrs.evolve(config.listeners["web"], name="side", bind=(SIDE,))


async def test_without_a_gate_it_goes_on_until_a_drain_where_that_is_wished(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config())
    everybody = gates_of(world)
    everybody.stay()
    everybody.retire("web")
    await wait_all_tasks_blocked()
    assert not everybody.draining
    await world.balancer.reload(named("site"))
    assert [*everybody.in_force] == ["site"]
