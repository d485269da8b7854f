"""Errors of `accept`: none ends the loop, none makes it spin."""

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
    counts: list[int] = []
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


async def test_ready_and_yet_nobody_does_not_spin(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    world.network.listener_at(FRONT).fail_accepts(os_error(errno.EAGAIN), times=3)
    client = await world.client()
    assert await trade(client) == b"ping"
    assert trio.current_time() == pytest.approx(0.005 + 0.010 + 0.020)
    assert world.balancer.statistics().traffic.accept_errors == 0
