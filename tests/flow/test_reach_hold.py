"""Held: no backend is up, or none could be reached, and clients wait for one."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
from support.troubled_network import TroubledNetwork
from support.world import (
    BACKEND,
    NO_CHECKS,
    World,
    finish,
    is_reset,
    make_config,
    trade,
)
from trio.testing import MockClock

if TYPE_CHECKING:
    from trio_balancer.config.model import Config

HOLD = 'when_down = "hold"'
CHECKS = '[pools.app.health]\ninterval = "0.5s"\ntimeout = "0.2s"\nfall = 1\nrise = 1\n'


def limited(limit: int = 1, pool: str = "", more: str = NO_CHECKS) -> Config:
    backend = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = {limit}\n'
    return make_config(backends=(), pool=pool, more=backend + more)


async def test_hold_over_a_restart_resets_nobody(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    await world.serve(make_config(pool=HOLD, more=CHECKS))
    server.stop()
    await trio.sleep(2)
    clients = await world.clients(10)
    await trio.sleep(10)
    assert world.balancer.statistics().pools[0].held == 10
    await server.start()
    assert [await trade(client) for client in clients] == [b"ping"] * 10
    assert trio.current_time() < 14
    for client in clients:
        await finish(client)
    assert world.endings() == ["--"] * 10
    assert world.balancer.statistics().traffic.endings == {"--": 10}


async def test_hold_takes_whose_attempts_all_failed_and_dials_every_second(
    autojump_clock: MockClock, world: World
) -> None:
    network = TroubledNetwork(world.network)
    server = await world.server(BACKEND, listening=False)
    await world.serve(make_config(pool=f"{HOLD}\nconnect_attempts = 1"), network=network)
    client = await world.client()
    await trio.sleep(4.5)
    assert len(network.dialled) == 5, "at 0, 1, 2, 3 and 4 s"
    await server.start()
    assert await trade(client) == b"ping"
    assert trio.current_time() == 5
    await finish(client)
    assert world.endings() == ["--"]


async def test_each_round_of_a_hold_has_all_its_attempts(
    autojump_clock: MockClock, world: World
) -> None:
    network = TroubledNetwork(world.network)
    await world.serve(make_config(pool=f"{HOLD}\nconnect_attempts = 2"), network=network)
    await world.client()
    await trio.sleep(2)
    assert len(network.dialled) == 4, "at 0, 0.25, then a second later 1.25 and 1.5 s"


async def test_a_held_connection_is_taken_at_once_when_a_backend_comes_up(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, listening=False)
    await world.serve(make_config(pool=HOLD, more=CHECKS))
    await trio.sleep(1)
    client = await world.client()
    await trio.sleep(2)
    await server.start()
    assert await trade(client) == b"ping"
    up = next(line for line in world.sink.lines if "Backend is UP" in line)
    assert up
    assert world.runtime.pools["app"].backends[0].changed_at == trio.current_time()


async def test_the_hold_timeout_is_absolute(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config(pool=f'{HOLD}\nhold_timeout = "3.5s"'))
    client = await world.client()
    assert await is_reset(client)
    (record,) = world.records
    assert str(record.ending) == "sQ"
    assert record.reason == "no backend could be reached for 3.5 s"
    # Its three attempts fail at 0, 0.25 and 0.75 s: held from then on.
    assert trio.current_time() == 0.75 + 3.5


async def test_a_reset_ends_the_hold_and_a_fin_does_not(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, listening=False)
    await world.serve(make_config(pool=HOLD, more=CHECKS))
    await trio.sleep(1)
    gone, patient = await world.clients(2)
    gone.reset()
    await patient.send_all(b"question")
    await patient.send_eof()
    await trio.sleep(3)
    assert world.endings() == ["CQ"]
    await server.start()
    assert await patient.receive_some() == b"question"
    await trio.sleep(1)
    assert world.endings() == ["CQ", "--"]
    world.assert_nothing_is_held()


async def test_the_held_are_released_no_faster_than_slots_free_up(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, listening=False)
    await world.serve(limited(2, pool=HOLD, more=CHECKS))
    await trio.sleep(1)
    clients = await world.clients(5)
    await server.start()
    await trio.sleep(1)
    assert [await trade(client) for client in clients[:2]] == [b"ping"] * 2
    assert world.runtime.pools["app"].active == 2
    for client in clients:
        assert await trade(client) == b"ping"
        await finish(client)
    assert [record.number for record in world.records] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOMEM])
async def test_hold_does_not_help_against_our_own_trouble(
    autojump_clock: MockClock, world: World, code: int
) -> None:
    network = TroubledNetwork(world.network)
    await world.serve(make_config(pool=HOLD), network=network)
    network.fail_next(code)
    assert await is_reset(await world.client())
    assert world.endings() == ["RC"]


async def test_hold_waits_for_a_free_port(autojump_clock: MockClock, world: World) -> None:
    network = TroubledNetwork(world.network)
    await world.server(BACKEND)
    await world.serve(make_config(pool=f"{HOLD}\nconnect_attempts = 1"), network=network)
    network.fail_next(errno.EADDRNOTAVAIL, times=2)
    client = await world.client()
    assert await trade(client) == b"ping"
    assert trio.current_time() == 2
