"""Accepting: limits, what becomes of who finds none free, and errors of `accept`."""

from __future__ import annotations

import errno

import pytest
import trio
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
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config, parse_config
from trio_balancer.network.kernel import os_error
from trio_balancer.wire.address import inet_address

SIDE = inet_address("10.0.0.2", 80)


def two_listeners(balancer: str = "", web: str = "", side: str = "") -> Config:
    return parse_config(f"""
[balancer]
{balancer}
[listeners.web]
bind = "{FRONT}"
pool = "app"
{web}
[listeners.side]
bind = "{SIDE}"
pool = "app"
{side}
[pools.app]
backends = ["{BACKEND}"]
{NO_CHECKS}""")


async def test_who_finds_no_token_waits_in_the_backlog(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(make_config(listener="max_connections = 2"))
    first, second, third = await world.clients(3)
    await trio.sleep(60)
    assert world.runtime.totals.accepted == len(server.live) == 2
    await finish(first)
    assert world.runtime.totals.accepted == 3
    assert await trade(third) == b"ping"
    await finish(second)
    await finish(third)
    assert world.endings() == ["--"] * 3
    world.assert_nothing_is_held()


async def test_the_global_limit_holds_for_all_listeners_together(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    await world.serve(two_listeners("max_connections = 3"))
    clients = [await world.client(address) for address in (FRONT, SIDE) * 3]
    assert len(server.live) == 3
    assert world.balancer.statistics().tokens == 3
    for client in clients:
        await finish(client)
    assert world.endings() == ["--"] * 6
    world.assert_nothing_is_held()


async def test_a_full_listener_does_not_starve_the_others(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(two_listeners("max_connections = 3", web="max_connections = 1"))
    await world.clients(5)
    others = [await world.client(SIDE) for _ in range(2)]
    assert [await trade(other) for other in others] == [b"ping"] * 2


async def test_an_idle_listener_holds_no_token(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(two_listeners("max_connections = 2"))
    assert world.balancer.statistics().tokens == 0
    clients = await world.clients(2)
    assert [await trade(client) for client in clients] == [b"ping"] * 2


async def test_who_left_the_backlog_costs_no_token(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(listener="max_connections = 1"))
    first, second = await world.clients(2)
    second.reset()
    await finish(first)
    assert await trade(await world.client()) == b"ping"


@pytest.mark.parametrize("where", ["listener", "balancer"])
async def test_reject_resets_at_once_with_a_record(
    autojump_clock: MockClock, world: World, where: str
) -> None:
    await world.server(BACKEND, keep)
    limits = 'max_connections = 2\noverflow = "reject"'
    config = two_listeners(web=limits) if where == "listener" else two_listeners(balancer=limits)
    await world.serve(config)
    await world.clients(2)
    assert world.records == []
    assert await is_reset(await world.client())
    (record,) = world.records
    assert (str(record.ending), record.reason) == ("PR", "too many connections")
    assert (record.total_time, record.pool, record.backend) == (0, None, None)
    statistics = world.balancer.statistics()
    assert (statistics.traffic.accepted, statistics.traffic.refused) == (3, 1)
    assert statistics.listeners[0].traffic.refused == 1
    assert (statistics.tokens, statistics.active) == (2, 2)


async def test_a_flood_of_refusals_is_no_flood_of_lines(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    await world.serve(make_config(listener='max_connections = 1\noverflow = "reject"'))
    await world.clients(51)
    assert world.endings() == ["PR"] * 50
    assert len(world.lines("ending=PR")) == 1
    await trio.sleep(1)
    await world.client()
    assert len(world.lines("ending=PR")) == 2
    assert any("suppressed=49" in line for line in world.sink.lines)


async def test_a_listeners_own_overflow_comes_first(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    config = two_listeners('overflow = "reject"', web='max_connections = 1\noverflow = "wait"')
    await world.serve(config)
    await world.clients(3)
    assert world.records == []


async def test_a_burst_is_accepted_in_full(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    async with trio.open_nursery() as nursery:
        for _ in range(90):
            nursery.start_soon(world.client)
    assert world.runtime.totals.accepted == 90
    assert len(world.runtime.connections) == 90


@pytest.mark.parametrize("overflow", ["wait", "reject"])
@pytest.mark.parametrize(
    "code",
    [
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EBADF,
        errno.EINVAL,
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.EPERM,
        errno.ENOTSOCK,
        errno.EINTR,
    ],
)
async def test_no_error_of_accept_ends_the_loop(
    autojump_clock: MockClock, world: World, code: int, overflow: str
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(listener=f'overflow = "{overflow}"'))
    world.network.listener_at(FRONT).fail_accepts(os_error(code), times=3)
    client = await world.client()
    assert await trade(client) == b"ping"
    assert world.runtime.totals.accept_errors == 3
    await finish(client)
    world.assert_nothing_is_held()


async def test_accept_errors_back_off_up_to_a_tenth_of_a_second(
    autojump_clock: MockClock, world: World
) -> None:
    """5, 10, 20, 40, 80 ms and then 100 ms each: 13 failures within 0.95 s, no spinning."""
    await world.serve(make_config())
    world.network.listener_at(FRONT).fail_accepts(os_error(errno.EMFILE), times=1000)
    await world.client()
    counts = []
    for _ in range(10):
        await trio.sleep_until(len(counts) + 0.95)
        counts.append(world.balancer.statistics().listeners[0].traffic.accept_errors)
    assert counts == [13 + 10 * second for second in range(10)]
    assert world.balancer.statistics().tokens == 0, "none is held while backing off"


async def test_accept_errors_are_one_line_a_second(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    world.network.listener_at(FRONT).fail_accepts(os_error(errno.EMFILE), times=1000)
    await world.client()
    await trio.sleep(9.5)
    lines = world.lines("Accepting failed")
    # Ten where a retry comes exactly a second after the last line.
    assert len(lines) in {9, 10}
    assert all("Too many open files" in line and str(FRONT) in line for line in lines)
    assert "suppressed=" not in lines[0]
    assert "suppressed=" in lines[1]


async def test_accepts_within_a_tenth_of_a_second_of_relief(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    listener = world.network.listener_at(FRONT)
    listener.fail_accepts(os_error(errno.EMFILE), times=100)
    client = await world.client()
    await trio.sleep(5)
    listener._failures.clear()
    assert await trade(client) == b"ping"
    assert trio.current_time() <= 5.1


async def test_the_back_off_starts_anew_after_a_success(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    listener = world.network.listener_at(FRONT)
    for begin in (0.0, 10.0):
        await trio.sleep_until(begin)
        listener.fail_accepts(os_error(errno.EMFILE), times=2)
        await trade(await world.client())
        assert trio.current_time() == pytest.approx(begin + 0.015)


async def test_errors_do_not_shorten_the_wait_of_another_listener(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(two_listeners())
    world.network.listener_at(FRONT).fail_accepts(os_error(errno.EMFILE), times=1000)
    await world.client()
    assert await trade(await world.client(SIDE)) == b"ping"
    assert trio.current_time() == 0


async def test_a_closed_socket_ends_its_loop_only(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(two_listeners())
    world.network.listener_at(FRONT).close()
    await wait_all_tasks_blocked()
    assert await trade(await world.client(SIDE)) == b"ping"
    assert not world.returned
