"""Settling: streams closed by the ending, everything given back, the pool told, one record."""

from __future__ import annotations

import weakref
from functools import partial

import attrs
import pytest
import trio
from support.world import (
    BACKEND,
    NO_CHECKS,
    OTHER,
    World,
    finish,
    hang_up,
    is_reset,
    keep,
    make_config,
    receive_to_end,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Balancer, serve
from trio_balancer.policy import Backend

EJECTING = "[pools.app.outlier]\nfailures = 2\n" + NO_CHECKS


def first(world: World) -> Backend:
    return world.runtime.pools["app"].backends[0]


async def test_a_finished_connection_is_closed_not_reset(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, keep)
    await world.serve(make_config())
    client = await world.client()
    await client.send_eof()
    await server.streams[0].send_eof()
    assert await receive_to_end(client) == b""
    assert await receive_to_end(server.streams[0]) == b""
    assert world.endings() == ["--"]


async def test_nothing_of_a_finished_connection_waits_for_the_collector(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    assert await trade(client) == b"ping"
    bridge = next(iter(world.runtime.connections.values())).bridge
    assert bridge is not None
    remembered = weakref.ref(bridge.pair)
    del bridge
    await finish(client)
    assert remembered() is None


async def test_whatever_did_not_finish_is_reset_on_both_legs(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, keep)
    await world.serve(make_config())
    client = await world.client()
    await client.send_eof()
    world.balancer.drain(1)
    assert await is_reset(client)
    with pytest.raises(trio.BrokenResourceError):
        await server.streams[0].send_all(b"late")


async def test_cancelled_without_an_ending_it_was_the_operator(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.client()
    world.runtime.connections[1].cancel()
    await wait_all_tasks_blocked()
    (record,) = world.records
    assert (str(record.ending), record.reason) == ("KD", "stopped by the operator")
    world.assert_nothing_is_held()


async def test_bytes_are_those_that_left_us(autojump_clock: MockClock, world: World) -> None:
    async def talk(stream: object) -> None:
        assert stream is server.streams[-1]
        await server.streams[-1].send_all(b"hello")

    server = await world.server(BACKEND, talk)
    await world.serve(make_config())
    client = await world.client()
    await client.send_all(bytes(1234))
    await wait_all_tasks_blocked()
    client.reset()
    await wait_all_tasks_blocked()
    (record,) = world.records
    assert (record.bytes_up, record.bytes_down) == (1234, 5)
    totals = world.balancer.statistics().traffic
    assert (totals.bytes_up, totals.bytes_down) == (1234, 5)


async def test_resets_before_the_first_byte_eject(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, hang_up)
    await world.server(OTHER)
    await world.serve(make_config(backends=(BACKEND, OTHER), more=EJECTING))
    clients = await world.clients(4)
    assert world.endings() == ["SD", "SD"]
    assert (first(world).resets, first(world).ejected) == (2, True)
    assert await trade(clients[1]) == b"ping"
    assert await trade(await world.client()) == b"ping"


async def test_a_first_byte_ends_the_row_of_failures(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND, hang_up)
    await world.server(OTHER)
    config = make_config(backends=(BACKEND, OTHER), more=EJECTING, pool='policy = "first"')
    await world.serve(config)
    for _ in range(5):
        await world.client()
        assert first(world).ejection.failures == 1

        async def greet(_stream: object) -> None:
            await server.streams[-1].send_all(b"hello")
            server.streams[-1].reset()

        server.behave = greet
        await world.client()
        assert first(world).ejection.failures == 0
        server.behave = hang_up
    assert first(world).resets == 5
    assert not first(world).ejected


@pytest.mark.parametrize("who", ["client", "operator"])
async def test_others_who_end_it_early_are_not_the_backends_fault(
    autojump_clock: MockClock, world: World, who: str
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config(backends=(BACKEND, OTHER), more=EJECTING))
    client = await world.client()
    if who == "client":
        client.reset()
    else:
        world.runtime.connections[1].cancel()
    await wait_all_tasks_blocked()
    assert (first(world).resets, first(world).ejection.failures) == (0, 0)


async def test_a_freed_slot_goes_to_who_waits_longest(
    autojump_clock: MockClock, world: World
) -> None:
    one = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = 1\n'
    await world.server(BACKEND)
    await world.serve(make_config(backends=(), more=one + NO_CHECKS))
    clients = await world.clients(3)
    await finish(clients[0])
    assert await trade(clients[1]) == b"ping"
    assert world.balancer.statistics().pools[0].queued == 1


async def test_counts_in_the_record_include_its_own(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    await world.serve(make_config(backends=(BACKEND, OTHER)))
    clients = await world.clients(5)
    await finish(clients[0])
    counts = world.records[0].counts
    assert (counts.process, counts.listener, counts.pool, counts.backend) == (5, 5, 5, 3)


async def test_nobody_need_listen_to_records(
    autojump_clock: MockClock, world: World, nursery: trio.Nursery
) -> None:
    await world.server(BACKEND)
    run = partial(serve, make_config(), network=world.network, log_sink=world.sink)
    balancer: Balancer = await nursery.start(run)
    await finish(await world.client())
    assert balancer.statistics().traffic.endings == {"--": 1}


@pytest.mark.parametrize("closes", [False, True])
async def test_a_client_that_nobody_could_be_reached_for(
    autojump_clock: MockClock,
    world: World,
    closes: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    config = make_config(pool="connect_attempts = 1")
    listener = attrs.evolve(config.listeners["web"], made_by_api=closes)
    await world.serve(attrs.evolve(config, listeners={"web": listener}))
    client = await world.client()
    if closes:
        assert await client.receive_some() == b""
    else:
        assert await is_reset(client)
    assert str(world.records[-1].ending) == "SC"
