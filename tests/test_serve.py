"""A whole balancer: its start, its end, and what its services do over time."""

from __future__ import annotations

import attrs
import pytest
import trio
from support.world import (
    BACKEND,
    FRONT,
    NO_CHECKS,
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

from trio_balancer import ConfigError, serve
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.network import SocketNetwork
from trio_balancer.policy import Backend, State

BOTH = (BACKEND, OTHER)
CHECKS = '[pools.app.health]\ninterval = "1s"\ntimeout = "0.5s"\nfall = 1\nrise = 1\n'


def backends(world: World) -> list[Backend]:
    return world.runtime.pools["app"].backends


async def test_started_means_that_each_backend_was_checked_once(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    world.network.blackhole(OTHER)
    await world.serve(make_config(backends=BOTH, more=CHECKS))
    assert trio.current_time() == 0.5, "the timeout of the one that did not answer"
    assert [backend.state for backend in backends(world)] == [State.UP, State.DOWN]
    assert [backend.checks_passed + backend.checks_failed for backend in backends(world)] == [1, 1]


async def test_more_connections_than_open_files_allow_is_a_mistake(
    autojump_clock: MockClock, world: World
) -> None:
    config = make_config()
    greedy = attrs.evolve(config.balancer, max_connections=10**9)
    with pytest.raises(ConfigError, match="would fit"):
        await world.serve(attrs.evolve(config, balancer=greedy))
    with pytest.raises(ConnectionRefusedError):
        world.network.listener_at(FRONT)


async def test_each_address_is_one_line(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    (line,) = world.lines("Listening")
    assert "listener=web" in line
    assert f"address={FRONT}" in line
    assert "pool=app" in line


async def test_cancelled_it_resets_everybody(autojump_clock: MockClock, world: World) -> None:
    server = await world.server(BACKEND, keep)
    await world.serve(make_config())
    clients = await world.clients(5)
    world.scope.cancel()
    assert [await is_reset(client) for client in clients] == [True] * 5
    assert [await is_reset(stream) for stream in server.streams] == [True] * 5
    await wait_all_tasks_blocked()
    assert world.endings() == ["KD"] * 5
    world.assert_nothing_is_held()


async def test_cancelled_while_it_starts_nothing_stays_bound(
    autojump_clock: MockClock, world: World
) -> None:
    world.network.blackhole(BACKEND)
    world.nursery.start_soon(_cancel_soon, world)
    with pytest.raises(RuntimeError, match="without calling"):
        await world.serve(make_config(more=CHECKS))
    with pytest.raises(ConnectionRefusedError):
        world.network.listener_at(FRONT)


async def _cancel_soon(world: World) -> None:
    await trio.sleep(0.1)
    world.scope.cancel()


async def test_the_real_network_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def listen(_self: SocketNetwork, address: object, **_rest: object) -> None:
        asked.append(address)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(SocketNetwork, "listen", listen)
    with pytest.raises(OSError, match="Permission denied"):
        await serve(make_config(), log_sink=MemorySink())
    assert asked == [FRONT]


async def test_real_sockets_and_a_clock_that_jumps_do_not_mix(
    autojump_clock: MockClock, world: World
) -> None:
    with pytest.raises(RuntimeError, match="do not know of a MockClock"):
        await serve(make_config(), log_sink=world.sink)


async def test_panic_ignores_health_when_nobody_is_up(
    autojump_clock: MockClock, world: World
) -> None:
    await world.serve(
        make_config(
            backends=(BACKEND, OTHER, THIRD),
            pool='when_down = "panic"',
            more='[pools.app.health]\ninterval = "1h"\ntimeout = "0.5s"\nfall = 1\n',
        )
    )
    assert [backend.state for backend in backends(world)] == [State.DOWN] * 3
    for address in (BACKEND, OTHER, THIRD):
        await world.server(address)
    for client in await world.clients(9):
        assert await trade(client) == b"ping"
    assert [backend.active for backend in backends(world)] == [3, 3, 3]


async def test_ejections_end_and_grow(autojump_clock: MockClock, world: World) -> None:
    """10 s, then 20, 25 and 25: times the number of ejections, up to the longest."""
    outlier = '[pools.app.outlier]\nfailures = 1\nejection = "10s"\nmax_ejection = "25s"\n'
    await world.server(OTHER)
    config = make_config(backends=BOTH, pool='policy = "first"', more=outlier + NO_CHECKS)
    await world.serve(config)
    lengths = []
    for _ in range(4):
        await finish(await world.client())
        lengths.append(world.balancer.statistics().pools[0].backends[0].ejection_ends_in)
        await world.until(lambda: not backends(world)[0].ejected)
    assert lengths == pytest.approx([10, 20, 25, 25])
    assert world.endings() == ["--"] * 4
    assert backends(world)[0].dial_failures == 4
    assert len(world.lines("its ejection ended")) == 4


async def test_a_passing_check_does_not_end_an_ejection(
    autojump_clock: MockClock, world: World
) -> None:
    outlier = '[pools.app.outlier]\nfailures = 1\nejection = "10s"\n'
    server = await world.server(BACKEND)
    await world.server(OTHER)
    config = make_config(backends=BOTH, pool='policy = "first"', more=outlier + CHECKS)
    await world.serve(config)
    server.stop()
    await finish(await world.client())
    await server.start()
    await trio.sleep(9)
    assert backends(world)[0].checks_passed > 5
    assert backends(world)[0].ejected
    await trio.sleep(2)
    assert backends(world)[0].state is State.UP


async def test_a_host_name_is_looked_up_again_and_the_last_good_answer_kept(
    autojump_clock: MockClock, world: World
) -> None:
    first, second = await world.server(BACKEND), await world.server(OTHER)
    world.network.names["app.example"] = [BACKEND]
    pool = 'resolve_interval = "10s"'
    await world.serve(make_config(backends=("app.example:80",), pool=pool))
    old = await world.client()
    assert len(first.streams) == 1
    world.network.names["app.example"] = [OTHER]
    await trio.sleep(11)
    await finish(await world.client())
    assert (len(first.streams), len(second.streams)) == (1, 1)
    assert await trade(old) == b"ping", "who was there stays"
    world.network.names.clear()
    await trio.sleep(60)
    await finish(await world.client())
    assert len(second.streams) == 2
    (line,) = world.lines("A host name does not resolve")
    assert f"kept={OTHER}" in line
    assert world.endings() == ["--", "--"]


async def test_slow_start_is_a_ramp(autojump_clock: MockClock, world: World) -> None:
    """From a tenth of its weight to all of it, in a straight line."""
    await world.server(BACKEND)
    late = await world.server(OTHER, listening=False)
    await world.serve(make_config(backends=BOTH, pool='slow_start = "20s"', more=CHECKS))
    await trio.sleep(2)
    await late.start()
    await world.until(lambda: backends(world)[1].state is State.UP)
    shares = [await _share_of_a_second(world, backends(world)[1]) for _ in range(24)]
    for second, share in enumerate(shares):
        weight = min(1.0, 0.1 + 0.9 * (second + 0.5) / 20)
        assert share == pytest.approx(weight / (1 + weight), abs=0.03)


async def _share_of_a_second(world: World, backend: Backend, clients: int = 50) -> float:
    before = backend.leased
    for _ in range(clients):
        await finish(await world.client())
        await trio.sleep(1 / clients)
    return (backend.leased - before) / clients


async def test_who_comes_back_is_not_trampled(autojump_clock: MockClock, world: World) -> None:
    """Failure class 19: in its first second, at most one and a half times its fair share."""
    servers = [await world.server(address, keep) for address in (BACKEND, OTHER, THIRD)]
    pool = 'policy = "least-connections"\nslow_start = "10s"\ndrop_when_down = true'
    config = make_config(backends=(BACKEND, OTHER, THIRD), pool=pool, more=CHECKS)
    await world.serve(config)
    await world.clients(60)
    servers[2].stop()
    await trio.sleep(3)
    assert [backend.active for backend in backends(world)] == [20, 20, 0]
    await servers[2].start()
    await world.until(lambda: backends(world)[2].state is State.UP)
    before = backends(world)[2].leased
    for _ in range(30):
        await world.client()
        await trio.sleep(1 / 30)
    assert 0 < backends(world)[2].leased - before <= 30 * 1.5 / 3
