"""Dialling: which backend, how often, when, and who is to blame."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
from support.troubled_network import TroubledNetwork
from support.world import (
    BACKEND,
    NO_CHECKS,
    OTHER,
    THIRD,
    World,
    finish,
    is_reset,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

if TYPE_CHECKING:
    from trio_balancer import Record
    from trio_balancer.policy import Backend

ALL = (BACKEND, OTHER, THIRD)
EJECTING = "[pools.app.outlier]\nfailures = 1\n" + NO_CHECKS


def backends(world: World) -> list[Backend]:
    return world.runtime.pools["app"].backends


async def fail_to_connect(world: World) -> Record:
    client = await world.client()
    assert await is_reset(client)
    world.assert_nothing_is_held()
    return world.records[-1]


async def test_a_refused_dial_goes_on_at_once_to_another_backend(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(OTHER)
    await world.serve(make_config(backends=(BACKEND, OTHER)))
    client = await world.client()
    assert await trade(client) == b"ping"
    await finish(client)
    (record,) = world.records
    assert (record.backend, record.attempts, record.redispatched) == (str(OTHER), 2, True)
    assert (record.queue_time, record.connect_time, record.total_time) == (0, 0, 0)


async def test_a_dial_that_succeeds_at_once_is_no_redispatch(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    await finish(await world.client())
    (record,) = world.records
    assert (record.attempts, record.redispatched) == (1, False)


async def test_each_attempt_is_on_a_different_backend(
    autojump_clock: MockClock, world: World
) -> None:
    network = TroubledNetwork(world.network)
    await world.serve(make_config(backends=ALL), network=network)
    record = await fail_to_connect(world)
    assert sorted(network.dialled, key=str) == list(ALL)
    assert (str(record.ending), record.attempts, record.total_time) == ("SC", 3, 0)
    assert record.reason == f"{THIRD}: Connection refused"


@pytest.mark.parametrize(("attempts", "dialled"), [("2", 2), ("1", 1), ('"all"', 3)])
async def test_no_more_attempts_than_configured(
    autojump_clock: MockClock, world: World, attempts: str, dialled: int
) -> None:
    network = TroubledNetwork(world.network)
    config = make_config(backends=ALL, pool=f"connect_attempts = {attempts}")
    await world.serve(config, network=network)
    record = await fail_to_connect(world)
    assert record.attempts == len(network.dialled) == dialled


async def test_the_last_backend_is_tried_again_with_doubling_pauses(
    autojump_clock: MockClock, world: World
) -> None:
    times: list[float] = []

    network = TroubledNetwork(world.network)
    network.on_dial = lambda: times.append(trio.current_time())
    await world.serve(make_config(pool="connect_attempts = 5"), network=network)
    record = await fail_to_connect(world)
    assert times == [0, 0.25, 0.75, 1.75, 3.75]
    assert (str(record.ending), record.redispatched) == ("SC", False)


async def test_a_backend_that_comes_up_during_the_pause_is_asked(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, listening=False)
    await world.serve(make_config())
    client = await world.client()
    await trio.sleep(0.1)
    await server.start()
    assert await trade(client) == b"ping"
    assert trio.current_time() == 0.25
    await finish(client)
    assert world.records[0].attempts == 2


async def test_the_connect_timeout_is_for_each_attempt(
    autojump_clock: MockClock, world: World
) -> None:
    for address in ALL:
        world.network.blackhole(address)
    await world.serve(make_config(backends=ALL, pool='connect_timeout = "2s"'))
    record = await fail_to_connect(world)
    assert (str(record.ending), record.total_time, record.attempts) == ("sC", 6, 3)
    assert record.reason == f"{THIRD}: no answer within 2 s"
    assert record.queue_time == 4, "until a backend was chosen for the last time"
    assert record.connect_time is None


async def test_a_silent_backend_costs_one_timeout(autojump_clock: MockClock, world: World) -> None:
    world.network.blackhole(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(backends=(BACKEND, OTHER), pool='connect_timeout = "2s"'))
    client = await world.client()
    assert await trade(client) == b"ping"
    assert trio.current_time() == 2


async def test_all_down_is_a_reset_at_once(autojump_clock: MockClock, world: World) -> None:
    await world.serve(
        make_config(backends=ALL, more='[pools.app.health]\ninitial = "down"\nrise = 2\n')
    )
    before = trio.current_time()
    record = await fail_to_connect(world)
    assert trio.current_time() == before
    assert (str(record.ending), record.reason, record.attempts) == ("SC", "no backend is up", 0)
    assert (record.backend, record.queue_time) == (None, None)


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_no_descriptor_left_is_our_own_trouble(
    autojump_clock: MockClock, world: World, code: int
) -> None:
    network = TroubledNetwork(world.network)
    await world.serve(make_config(backends=ALL, more=EJECTING), network=network)
    network.fail_next(code, times=99)
    record = await fail_to_connect(world)
    assert (str(record.ending), record.attempts) == ("RC", 1)
    assert [(backend.dial_failures, backend.ejected) for backend in backends(world)] == [
        (0, False)
    ] * 3


async def test_no_port_left_toward_one_backend_sends_it_to_another(
    autojump_clock: MockClock, world: World
) -> None:
    network = TroubledNetwork(world.network)
    network.fail(BACKEND, errno.EADDRNOTAVAIL)
    await world.server(OTHER)
    await world.serve(make_config(backends=(BACKEND, OTHER), more=EJECTING), network=network)
    client = await world.client()
    assert await trade(client) == b"ping"
    assert backends(world)[0].dial_failures == 0
    assert not backends(world)[0].ejected


async def test_no_port_left_at_all_is_our_own_trouble(
    autojump_clock: MockClock, world: World
) -> None:
    network = TroubledNetwork(world.network)
    await world.serve(make_config(backends=ALL, more=EJECTING), network=network)
    network.fail_next(errno.EADDRNOTAVAIL, times=99)
    record = await fail_to_connect(world)
    assert (str(record.ending), record.attempts) == ("RC", 3)
    assert not any(backend.ejected for backend in backends(world))


async def test_refused_dials_count_against_a_backend(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config(backends=(BACKEND, OTHER), more=EJECTING))
    await fail_to_connect(world)
    first, second = backends(world)
    assert first.ejected
    assert not second.ejected, "one of two may be ejected, not both"
    assert second.dial_failures == 2


async def test_a_client_that_resets_ends_the_dial(autojump_clock: MockClock, world: World) -> None:
    world.network.blackhole(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    await trio.sleep(1)
    client.reset()
    await wait_all_tasks_blocked()
    (record,) = world.records
    assert (str(record.ending), record.reason, record.total_time) == ("CC", "the client reset", 1)
    world.assert_nothing_is_held()
    assert world.network.open_streams() == []


async def test_a_client_that_resets_ends_the_pause(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    client = await world.client()
    await trio.sleep(0.1)
    client.reset()
    await wait_all_tasks_blocked()
    assert world.endings() == ["CC"]
    world.assert_nothing_is_held()


async def test_a_client_that_has_only_finished_is_still_served(
    autojump_clock: MockClock, world: World
) -> None:
    world.network.blackhole(BACKEND)
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    await client.send_all(b"question")
    await client.send_eof()
    await trio.sleep(3)
    assert world.records == []
    world.network.heal(BACKEND)
    assert await client.receive_some() == b"question"
    assert await client.receive_some() == b""
    await wait_all_tasks_blocked()
    assert world.endings() == ["--"]
