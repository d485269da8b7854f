"""Ports that refuse clients for a while: by the operator, or because nobody could serve them."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
from support.reloads import backend_at, pool_of, renamed
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    OPTIONS,
    OTHER,
    World,
    is_reset,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.network.kernel import os_error
from trio_balancer.policy import Admin

if TYPE_CHECKING:
    from trio_balancer.testing import MemoryListener

CLOSES = "close_when_down = true"
CHECKS = '[pools.app.health]\ninterval = "1s"\ntimeout = "0.5s"\nfall = 1\nrise = 1\n'


async def refused(world: World) -> bool:
    try:
        await world.client()
    except ConnectionRefusedError:
        return True
    return False


async def test_disabled_it_refuses_and_who_is_there_stays(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    gate, client = world.balancer.gates["web"], await world.client()
    for _ in range(2):
        gate.set_disabled(disabled=True)
        assert await refused(world)
        assert await trade(client) == b"ping"
        with pytest.raises(OSError, match="in use"):
            await world.network.listen(FRONT, backlog=1, options=OPTIONS)
        gate.set_disabled(disabled=False)
        assert await trade(await world.client()) == b"ping"


async def test_who_waits_in_the_backlog_is_let_in_first(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    world.network.listener_at(FRONT).fail_accepts(os_error(errno.EMFILE))
    waiting = await world.clients(5)
    world.balancer.gates["web"].set_disabled(disabled=True)
    assert [await trade(each) for each in waiting] == [b"ping"] * 5


async def test_disabled_it_stays_over_a_reload(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    world.balancer.gates["web"].set_disabled(disabled=True)
    await world.balancer.reload(make_config(listener="max_connections = 5"))
    assert await refused(world)
    world.balancer.gates["web"].set_disabled(disabled=False)
    assert not await refused(world)


async def test_it_closes_with_the_last_backend_and_opens_with_the_first(
    autojump_clock: MockClock, world: World
) -> None:
    servers = [await world.server(address) for address in (BACKEND, OTHER)]
    await world.serve(make_config(listener=CLOSES, backends=(BACKEND, OTHER), more=CHECKS))
    servers[0].stop()
    await trio.sleep(3)
    assert not await refused(world)
    servers[1].stop()
    await trio.sleep(3)
    assert await refused(world)
    assert world.balancer.gates["web"].closed
    await servers[0].start()
    await trio.sleep(3)
    assert not await refused(world)
    assert not world.balancer.gates["web"].closed


async def test_it_is_closed_from_the_start(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config(listener=CLOSES, more=CHECKS))
    assert await refused(world)
    await world.server(BACKEND)
    await trio.sleep(3)
    assert await trade(await world.client()) == b"ping"


async def test_all_that_routes_lead_to_counts(autojump_clock: MockClock, world: World) -> None:
    routes = "[[listeners.web.routes]]\nplain = true\npool = 'other'\n"
    other = f"[pools.other]\nbackends = ['{OTHER}']\n{NO_CHECKS.replace('app', 'other')}"
    config = make_config(listener=CLOSES, more=NO_CHECKS + routes + other)
    await world.serve(config)
    first, second = pool_of(world), pool_of(world, "other")
    first.set_admin(first.backends[0], Admin.DRAIN, 0.0)
    assert not await refused(world)
    second.set_admin(second.backends[0], Admin.MAINTENANCE, 0.0)
    assert await refused(world)
    first.set_admin(first.backends[0], Admin.READY, 0.0)
    assert not await refused(world)


async def test_without_the_key_it_stays_open(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config(more=CHECKS))
    assert await is_reset(await world.client())


async def test_a_reload_changes_it_at_once(autojump_clock: MockClock, world: World) -> None:
    await world.server(OTHER)
    await world.serve(make_config(more=CHECKS))
    await world.balancer.reload(make_config(listener=CLOSES, more=CHECKS))
    assert await refused(world)
    await world.balancer.reload(make_config(listener=CLOSES, backends=(OTHER,), more=CHECKS))
    assert not await refused(world)


async def test_the_operator_s_wish_comes_first(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config(listener=CLOSES))
    gate, pool, backend = world.balancer.gates["web"], pool_of(world), backend_at(world, BACKEND)
    gate.set_disabled(disabled=True)
    pool.set_admin(backend, Admin.DRAIN, 0.0)
    pool.set_admin(backend, Admin.READY, 0.0)
    assert await refused(world)
    pool.set_admin(backend, Admin.DRAIN, 0.0)
    gate.set_disabled(disabled=False)
    assert await refused(world)
    pool.set_admin(backend, Admin.READY, 0.0)
    assert not await refused(world)


async def test_a_socket_that_is_taken_over_is_as_open_as_its_listener(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    world.balancer.gates["web"].set_disabled(disabled=True)
    await world.balancer.reload(renamed("web", "site", make_config()))
    assert not await refused(world), "another listener, which nobody has disabled"


async def test_drained_while_it_is_closed(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    client = await world.client()
    gate = world.balancer.gates["web"]
    gate.set_disabled(disabled=True)
    world.balancer.drain(5)
    await wait_all_tasks_blocked()
    gate.set_disabled(disabled=False)
    assert await refused(world)
    assert await trade(client) == b"ping"


async def test_what_happens_to_backends_after_the_end_changes_no_port(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND, keep)
    outlier = "[pools.app.outlier]\nfailures = 1\n"
    config = make_config(listener=CLOSES, backends=(BACKEND, OTHER), more=NO_CHECKS + outlier)
    await world.serve(config)
    await world.clients(2)
    for server in world.servers:
        server.crash()
    world.scope.cancel()
    await wait_all_tasks_blocked()
    assert world.balancer.statistics().traffic.bugs == 0


@pytest.mark.parametrize("disabled", [True, False])
async def test_a_port_that_does_not_do_as_it_is_told(
    autojump_clock: MockClock,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    disabled: bool,  # noqa: FBT001  # a table
) -> None:
    await world.server(BACKEND)
    await world.serve(make_config())
    gate = world.balancer.gates["web"]
    gate.set_disabled(disabled=not disabled)

    def refuse(_self: MemoryListener) -> None:
        raise os_error(errno.EADDRINUSE)

    name = "pause" if disabled else "resume"
    monkeypatch.setattr(type(world.network._listeners[0]), name, refuse)
    gate.set_disabled(disabled=disabled)
    (line,) = world.lines("A port cannot be")
    assert f"listener=web address={FRONT}" in line
    assert await refused(world) is not disabled
