"""Reload: what changed is changed, everybody else notices nothing, and a mistake changes nothing.

Listening sockets have a file of their own, `test_reload_sockets.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.reloads import backend_at, pool_of, renamed
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
    OPTIONS,
    OTHER,
    THIRD,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    trade,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import BindError, ConfigError
from trio_balancer.control.reload import ReloadError
from trio_balancer.control.restart import NeedsRestartError
from trio_balancer.policy import Admin, State
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

SIDE = inet_address("10.0.0.1", 81)
CHECKS = '[pools.app.health]\ninterval = "1h"\ntimeout = "0.5s"\nfall = 1\nrise = 1\n'
BOTH = (BACKEND, OTHER)
ALL = (BACKEND, OTHER, THIRD)


async def test_the_same_configuration_changes_nothing(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    socket, client = world.network.listener_at(FRONT), await world.client()
    changes = await balancer.reload(make_config())
    assert str(changes) == "listeners +0 ~0 -0, pools +0 ~0 -0, backends +0 ~0 -0"
    assert world.network.listener_at(FRONT) is socket
    assert await trade(client) == b"ping"
    assert await trade(await world.client()) == b"ping"


# Backends


async def test_round_robin_goes_on_where_it_was(autojump_clock: MockClock, world: World) -> None:
    servers = [await world.server(address) for address in ALL]
    balancer = await world.serve(make_config(backends=ALL))
    order = []
    for _ in range(9):
        before = [len(server.streams) for server in servers]
        await finish(await world.client())
        await balancer.reload(make_config(backends=ALL, pool="queue_limit = 5"))
        order.append([len(s.streams) - b for s, b in zip(servers, before, strict=True)].index(1))
    assert order == [0, 1, 2] * 3


async def test_a_removed_backend_gets_nobody_new_and_finishes_who_is_there(
    autojump_clock: MockClock, world: World
) -> None:
    first, second = await world.server(BACKEND), await world.server(OTHER)
    balancer = await world.serve(make_config(backends=BOTH))
    one, other = await world.clients(2)
    await balancer.reload(make_config(backends=(OTHER,)))
    for _ in range(4):
        await finish(await world.client())
    assert (len(first.streams), len(second.streams)) == (1, 5)
    assert pool_of(world).active == 2
    assert [await trade(each) for each in (one, other)] == [b"ping"] * 2
    await finish(one)
    await finish(other)
    assert pool_of(world).active == 0
    assert world.endings() == ["--"] * 6
    world.assert_nothing_is_held()


async def test_a_backend_that_comes_back_goes_on_counting(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    await world.server(OTHER)
    balancer = await world.serve(make_config(backends=BOTH))
    client, _other = await world.clients(2)
    backend = backend_at(world, BACKEND)
    pool_of(world).set_admin(backend, Admin.DRAIN, 0.0)
    await balancer.reload(make_config(backends=(OTHER,)))
    await balancer.reload(make_config(backends=BOTH))
    assert backend_at(world, BACKEND) is backend
    assert (backend.active, backend.leased, backend.state) == (1, 1, State.UP)
    await finish(client)
    assert backend.active == 0


async def test_an_added_backend_is_checked_and_a_removed_one_is_not(
    autojump_clock: MockClock, world: World
) -> None:
    server, _other = await world.server(BACKEND), await world.server(OTHER)
    every_second = CHECKS.replace("1h", "1s")
    balancer = await world.serve(make_config(backends=(BACKEND,), more=every_second))
    await balancer.reload(make_config(backends=(OTHER, THIRD), more=every_second))
    checks = len(server.streams)
    await trio.sleep(10)
    assert len(server.streams) == checks
    assert backend_at(world, OTHER).checks_passed > 8
    assert backend_at(world, THIRD).state is State.DOWN
    (line,) = world.lines("Backend is DOWN")
    assert f"backend={THIRD}" in line


async def test_other_checks_hold_at_once(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND)
    balancer = await world.serve(make_config(more=CHECKS))
    server.stop()
    await trio.sleep(100)
    assert backend_at(world, BACKEND).state is State.UP, "the next check is an hour away"
    await balancer.reload(make_config(more=CHECKS.replace("1h", "2s")))
    await wait_all_tasks_blocked()
    assert backend_at(world, BACKEND).state is State.DOWN


async def test_what_an_operator_has_set_lasts_until_the_file_s_own_value_changes(
    autojump_clock: MockClock, world: World
) -> None:
    def config(weight: int, limit: int, policy: str = "round-robin") -> str:
        return f"""
[[pools.app.backends]]
address = "{BACKEND}"
weight = {weight}
max_connections = {limit}
{NO_CHECKS}"""

    await world.server(BACKEND)
    balancer = await world.serve(make_config(backends=(), more=config(2, 20)))
    backend, pool = backend_at(world, BACKEND), pool_of(world)
    pool.set_weight(backend, 7, 0.0)
    pool.set_max_connections(backend, 3, 0.0)
    pool.set_admin(backend, Admin.MAINTENANCE, 0.0)
    await balancer.reload(make_config(backends=(), pool="queue_limit = 1", more=config(2, 20)))
    assert (backend.weight, backend.max_connections, backend.admin) == (7, 3, Admin.MAINTENANCE)
    await balancer.reload(make_config(backends=(), more=config(5, 20)))
    assert (backend.weight, backend.max_connections, backend.admin) == (5, 3, Admin.MAINTENANCE)
    await balancer.reload(make_config(backends=(), more=config(5, 21)))
    assert (backend.weight, backend.max_connections) == (5, 21)


async def test_the_names_of_new_backends_are_known_before_the_first_client_comes(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(OTHER)
    world.network.names["app.example"] = [OTHER]
    balancer = await world.serve(make_config())
    await balancer.reload(make_config(backends=("app.example:80",)))
    assert await trade(await world.client()) == b"ping"


# Pools


async def test_a_renamed_pool_loses_nobody(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(more=""))
    client = await world.client()
    await balancer.reload(renamed("app", "shop", make_config(more="")))
    assert list(world.runtime.pools) == ["shop"]
    assert backend_at(world, BACKEND, "shop").checks_passed == 1, "checked before it serves"
    assert await trade(client) == b"ping"
    await finish(await world.client())
    await finish(client)
    assert [record.pool for record in world.records] == ["shop", "app"]


async def test_a_pool_that_comes_back_goes_on_counting(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    pool, client = pool_of(world), await world.client()
    await balancer.reload(renamed("app", "shop", make_config()))
    assert world.balancer.statistics().pools[0].active == 0
    await balancer.reload(make_config())
    assert pool_of(world) is pool
    assert (pool.active, pool.backends[0].leased) == (1, 1)
    await finish(client)
    world.assert_nothing_is_held()


async def test_who_waits_in_a_removed_pool_is_served_there(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    slot = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = 1\n{NO_CHECKS}'
    config = make_config(backends=(), more=slot)
    balancer = await world.serve(config)
    first, second = await world.clients(2)
    await balancer.reload(renamed("app", "shop", config))
    await finish(first)
    assert await trade(second) == b"ping"


async def test_another_policy_keeps_the_counts_and_begins_anew(
    autojump_clock: MockClock, world: World
) -> None:
    servers = [await world.server(address, keep) for address in BOTH]
    balancer = await world.serve(make_config(backends=BOTH))
    await world.clients(3)
    await balancer.reload(make_config(backends=BOTH, pool='policy = "least-connections"'))
    await world.client()
    assert [len(server.streams) for server in servers] == [2, 2]


# Settings for connections


async def test_who_is_there_keeps_its_timeouts(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    balancer = await world.serve(make_config(listener='lifetime = "10s"\nlifetime_jitter = 0'))
    before = await world.client()
    await balancer.reload(make_config(listener='lifetime = "2s"\nlifetime_jitter = 0'))
    after = await world.client()
    assert await is_reset(after)
    assert trio.current_time() == 2
    assert await is_reset(before)
    assert trio.current_time() == 10


async def test_who_dials_keeps_its_timeouts(autojump_clock: MockClock, world: World) -> None:
    world.network.blackhole(BACKEND)
    pool = 'connect_timeout = "10s"\nconnect_attempts = 1'
    balancer = await world.serve(make_config(pool=pool))
    client = await world.client()
    await balancer.reload(make_config(pool=pool.replace("10s", "1s")))
    assert await is_reset(client)
    assert trio.current_time() == 10


async def test_a_limit_holds_at_once_and_cuts_nobody(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config(listener="max_connections = 4"))
    clients = await world.clients(4)
    await balancer.reload(make_config(listener="max_connections = 2"))
    waiting = await world.client()
    assert world.runtime.totals.accepted == 4
    for client in clients[:2]:
        await finish(client)
    assert world.runtime.totals.accepted == 4
    await finish(clients[2])
    assert await trade(waiting) == b"ping"
    await balancer.reload(make_config())
    assert balancer.statistics().listeners[0].limit == float("inf")


async def test_the_global_limit_and_the_overflow_hold_at_once(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    config = make_config()
    balancer = await world.serve(config)
    await world.clients(3)
    fewer = attrs.evolve(config.balancer, max_connections=2)
    await balancer.reload(attrs.evolve(config, balancer=fewer))
    assert balancer.statistics().limit == 2
    assert len(world.runtime.connections) == 3
    world.runtime.limiter.total_tokens = 50  # as an operator may
    await balancer.reload(attrs.evolve(config, balancer=fewer))
    assert balancer.statistics().limit == 50
    await balancer.reload(config)
    assert balancer.statistics().limit == 100


async def test_access_rules_hold_at_once_and_cut_nobody(
    autojump_clock: MockClock, world: World
) -> None:
    rules = "[listeners.web.access]\ndeny = ['0.0.0.0/0']\nmax_per_client = 5\n"
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    client = await world.client()
    await balancer.reload(make_config(more=NO_CHECKS + rules))
    assert await is_reset(await world.client())
    assert await trade(client) == b"ping"
    allow = NO_CHECKS + rules.replace("deny = ['0.0.0.0/0']", "")
    await balancer.reload(make_config(more=allow))
    counted = await world.client()
    await balancer.reload(make_config())
    await finish(counted)
    await balancer.reload(make_config(more=allow))
    assert len(await world.clients(5)) == 5
    assert await is_reset(await world.client())
    assert world.balancer.statistics().traffic.bugs == 0


async def test_the_log_s_settings_hold_at_once(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = make_config()
    balancer = await world.serve(config)
    quiet = attrs.evolve(config.log, connections=False)
    await balancer.reload(attrs.evolve(config, log=quiet))
    await finish(await world.client())
    assert world.lines("ending=") == []
    await balancer.reload(config)
    await finish(await world.client())
    assert len(world.lines("ending=--")) == 1


async def test_counters_never_go_back(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    await finish(await world.client())
    other = renamed("web", "site", make_config())
    before = balancer.statistics().traffic
    await balancer.reload(other)
    assert balancer.statistics().traffic == before
    await finish(await world.client())
    await balancer.reload(make_config())
    assert balancer.statistics().traffic.accepted == 2
    (listener,) = balancer.statistics().listeners
    assert (listener.name, listener.traffic.accepted) == ("web", 1)


async def test_those_of_pools_and_backends_neither(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(make_config())
    await finish(await world.client())
    for name in ("shop", "app"):
        await balancer.reload(renamed("app", name, make_config()))
        served = balancer.statistics().pool_traffic[name]
        assert (served.whole.chosen, served.backends[str(BACKEND)].chosen) in {(0, 0), (1, 1)}
    assert served.whole.chosen == 1


# What cannot be done


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
