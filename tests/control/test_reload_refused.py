"""Reload: what cannot be done changes nothing, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.reloads import renamed
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    OPTIONS,
    OTHER,
    World,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import BindError, ConfigError
from trio_balancer.control.reload import ReloadError
from trio_balancer.control.restart import NeedsRestartError
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

SIDE = inet_address("10.0.0.1", 81)


async def test_nothing_changes_when_an_address_cannot_be_bound(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    config = make_config()
    balancer = await world.serve(config)
    await world.network.listen(SIDE, backlog=1, options=OPTIONS)
    web = attrs.evolve(config.listeners["web"], bind=(SIDE, inet_address("10.0.0.1", 82)))
    changed = renamed("app", "shop", attrs.evolve(config, listeners={"web": web}))
    with pytest.raises(BindError, match=r"cannot bind 10\.0\.0\.1:81"):
        await balancer.reload(changed)
    assert balancer.config is config
    assert list(world.runtime.pools) == ["app"]
    assert await trade(await world.client()) == b"ping"
    (line,) = world.lines("Not reloaded, nothing has changed")
    assert "Address already in use" in line
    assert attrs.astuple(balancer.reloads)[:2] == (1, 1)
    assert "cannot bind" in str(balancer.reloads.last_error)


async def test_a_reload_that_is_given_up_leaves_nothing_behind(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    config = make_config(more="")
    balancer = await world.serve(config)
    world.network.blackhole(OTHER)
    web = attrs.evolve(config.listeners["web"], bind=(FRONT, SIDE))
    pools = {"app": config.pools["app"], "new": attrs.evolve(config.pools["app"], name="new")}
    pools["new"] = attrs.evolve(
        pools["new"], backends=(attrs.evolve(pools["app"].backends[0], address=OTHER),)
    )
    with trio.move_on_after(0.5) as patience:
        await balancer.reload(attrs.evolve(config, listeners={"web": web}, pools=pools))
    assert patience.cancelled_caught
    with pytest.raises(ConnectionRefusedError):
        world.network.listener_at(SIDE)
    assert list(world.runtime.pools) == ["app"]
    await trio.sleep(5)
    assert world.lines("Backend is") == []
    await balancer.reload(config)


async def test_what_needs_a_restart_is_refused(autojump_clock: MockClock, world: World) -> None:
    config = make_config()
    balancer = await world.serve(config)
    other = attrs.evolve(config.balancer, splice=False, backlog=7)
    with pytest.raises(NeedsRestartError, match="splice"):
        await balancer.reload(attrs.evolve(config, balancer=other))
    assert balancer.config is config


async def test_a_file_that_a_certificate_is_missing_from_changes_nothing(
    autojump_clock: MockClock, world: World, tmp_path: Path
) -> None:
    balancer = await world.serve(make_config())
    missing = tmp_path / "missing.pem"
    tls = f'[listeners.web.tls]\ncertificates = [{{ cert = "{missing}", key = "{missing}" }}]\n'
    with pytest.raises(ConfigError, match="missing"):
        await balancer.reload(make_config(more=NO_CHECKS + tls))
    assert balancer.gates["web"].listener.terms.tls is None


async def test_connections_that_do_not_fit_change_nothing(
    autojump_clock: MockClock, world: World
) -> None:
    config = make_config()
    balancer = await world.serve(config)
    greedy = attrs.evolve(config.balancer, max_connections=10**9)
    with pytest.raises(ConfigError, match="would fit"):
        await balancer.reload(attrs.evolve(config, balancer=greedy))
    assert balancer.statistics().limit == 100


async def test_a_balancer_that_stops_is_not_reloaded(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    await world.client()
    balancer.drain()
    with pytest.raises(ReloadError, match="stopping"):
        await balancer.reload(make_config())


async def test_without_a_file_there_is_nothing_to_reload(
    autojump_clock: MockClock, world: World
) -> None:
    balancer = await world.serve(make_config())
    with pytest.raises(ReloadError, match="no file"):
        await balancer.reload()


async def test_one_at_a_time(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    world.network.blackhole(OTHER)
    config = make_config(more="")
    balancer = await world.serve(config)
    slow = renamed("app", "shop", make_config(more="", backends=(OTHER,)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(balancer.reload, slow)
        await wait_all_tasks_blocked()
        nursery.start_soon(balancer.reload, config)
        await trio.sleep(0.5)
        assert balancer.reloads.count == 0
    assert balancer.config is config
    assert balancer.reloads.count == 2
