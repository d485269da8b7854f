"""Draining: accepting ends first, who is there has until the deadline."""

from __future__ import annotations

import errno

import attrs
import pytest
import trio
from support.world import BACKEND, FRONT, World, finish, is_reset, keep, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.flow.bind import Place, bind_all
from trio_balancer.network.kernel import os_error
from trio_balancer.wire.address import inet_address


async def test_a_drained_listener_refuses_and_its_connections_go_on(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    world.balancer.drain()
    await wait_all_tasks_blocked()
    with pytest.raises(ConnectionRefusedError):
        await world.client()
    await trio.sleep(20)
    assert await trade(client) == b"ping"
    assert not world.lines("Stopped")
    await finish(client)
    assert world.returned
    assert world.endings() == ["--"]


async def test_who_is_left_at_the_deadline_is_reset(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(balancer='drain_timeout = "7s"'))
    client = await world.client()
    await trio.sleep(1)
    world.balancer.drain()
    assert await is_reset(client)
    (record,) = world.records
    assert (str(record.ending), record.total_time) == ("KD", 8)
    assert record.reason == "stopped by the operator"
    await wait_all_tasks_blocked()
    assert world.returned
    world.assert_nothing_is_held()


async def test_a_second_call_sets_the_deadline_anew(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    world.balancer.drain()
    await trio.sleep(2)
    world.balancer.drain(1)
    assert await is_reset(client)
    assert trio.current_time() == 3


async def test_without_connections_it_is_over_at_once(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(make_config())
    world.balancer.drain()
    await wait_all_tasks_blocked()
    assert world.returned
    assert trio.current_time() == 0


async def test_without_patience_everybody_is_reset_at_once(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    world.balancer.drain(0)
    await wait_all_tasks_blocked()
    assert world.returned
    assert await is_reset(client)
    assert world.endings() == ["KD"]


async def test_the_backlog_is_served_before_the_socket_is_closed(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    world.network.listener_at(FRONT).fail_accepts(os_error(errno.EMFILE))
    clients = await world.clients(30)
    assert world.runtime.totals.accepted == 0, "the accept loop backs off"
    world.balancer.drain()
    for client in clients:
        assert await trade(client) == b"ping"
        await finish(client)
    assert world.endings() == ["--"] * 30
    assert world.returned
    world.assert_nothing_is_held()


async def test_who_in_the_backlog_finds_no_token_is_reset(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(listener="max_connections = 2"))
    first, _second, third = await world.clients(3)
    world.balancer.drain()
    assert await is_reset(third)
    assert await trade(first) == b"ping"
    assert world.runtime.totals.accepted == 2


async def test_a_client_gone_from_the_backlog_costs_the_others_nothing(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    listener = world.network.listener_at(FRONT)
    listener.fail_accepts(os_error(errno.EMFILE))
    clients = await world.clients(5)
    listener.fail_accepts(os_error(errno.ECONNABORTED), times=3)
    world.balancer.drain()
    assert [await trade(client) for client in clients] == [b"ping"] * 5


async def test_a_backlog_that_cannot_be_accepted_is_told(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    listener = world.network.listener_at(FRONT)
    listener.fail_accepts(os_error(errno.EMFILE), times=1000)
    clients = await world.clients(3)
    world.balancer.drain()
    assert [await is_reset(client) for client in clients] == [True] * 3
    await wait_all_tasks_blocked()
    assert world.returned
    (line,) = world.lines("Clients in the backlog may have been reset")
    assert "Too many open files" in line
    world.assert_nothing_is_held()


async def test_cancelled_the_sockets_are_closed(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    world.scope.cancel()
    assert await is_reset(client)
    await wait_all_tasks_blocked()
    with pytest.raises(ConnectionRefusedError):
        world.network.listener_at(FRONT)
    assert world.endings() == ["KD"]
    world.assert_nothing_is_held()


async def test_sockets_come_and_go_also_before_it_runs(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    listener = balancer.gates["web"].listener
    gate = balancer._house.gates.open(listener, [])
    side = inet_address("10.0.0.1", 81)
    place = attrs.evolve(Place.of(listener.config)[0], address=side)
    [kept] = await bind_all(world.network, [place], 10)
    gate.open(kept)
    gate.take_off(kept)
    assert gate.sockets == []
    gate.open(kept)
    assert await trade(await world.client(side)) == b"ping"
    gate.take_off(kept)
    waiting = await world.client(side)
    kept.socket.close()
    assert await is_reset(waiting)
