"""The operations themselves; each way to them has tests of its own."""

from __future__ import annotations

import inspect

import attrs
import pytest
import trio
from support.commands import operate
from support.world import BACKEND, OTHER, World, is_reset, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config
from trio_balancer.control.errors import OperationError
from trio_balancer.control.operations import Operations
from trio_balancer.policy import State


async def running(world: World, **settings: str) -> Operations:
    await world.server(BACKEND)
    await world.server(OTHER)
    await operate(world, **settings)
    return Operations(world.balancer, config_file="/etc/x.toml")


def active(world: World) -> list[int]:
    return [backend.active for backend in world.runtime.pools["app"].backends]


async def test_looks(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    (client,) = await world.clients(1)
    assert operations.status()["config_file"] == "/etc/x.toml"
    assert [each["number"] for each in operations.connections()] == [1]
    assert operations.connections(limit=0) == operations.endings() == []
    client.reset()
    await wait_all_tasks_blocked()
    assert [each["ending"] for each in operations.endings(limit=1)] == ["CD"]
    assert operations.explain("10.0.0.9", "web")["backend"] == "one"
    assert operations.reloads is world.balancer.reloads


@pytest.mark.parametrize("limit", [-1, True, 1001])
async def test_lists_have_sensible_limits(
    limit: int, autojump_clock: MockClock, world: World
) -> None:
    operations = await running(world)
    with pytest.raises(OperationError, match="from 0 to 1000"):
        operations.endings(limit)


async def test_maintenance_and_back(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    told = operations.maintenance("app", "one")
    assert told == {"pool": "app", "backend": "one", "state": "maintenance"}
    await world.clients(2)
    assert active(world) == [0, 2]
    assert operations.ready("app", "one")["state"] == "up"
    await world.clients(2)
    assert active(world) == [2, 2]


async def test_a_drained_backend_keeps_what_it_has(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world, pool='policy = "least-connections"\n')
    clients = await world.clients(2)
    before = active(world)
    assert operations.drain("app", "one") == {"pool": "app", "backend": "one", "over": None}
    await world.clients(3)
    assert active(world) == [before[0], before[1] + 3]
    for client in clients:
        assert await trade(client) == b"ping"


async def test_a_pool_is_drained_over_a_time(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    await world.clients(4)
    assert operations.drain("app", over=10.0) == {"pool": "app", "backend": None, "over": 10.0}
    await trio.sleep(11)
    assert active(world) == [0, 0]
    assert set(world.endings()) == {"KD"}


async def test_the_balancer_is_drained(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    assert operations.drain() == {"draining": True, "over": None}
    await wait_all_tasks_blocked()
    assert world.returned


async def test_the_balancer_is_stopped_over_a_time(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    client = await world.client()
    assert operations.shutdown(over=5.0) == {"draining": True, "over": 5.0}
    assert await is_reset(client)
    await wait_all_tasks_blocked()
    assert world.returned
    assert trio.current_time() <= 5


async def test_rebalance(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world, pool='policy = "least-connections"\n')
    operations.set_weight("app", "two", 10)
    operations.maintenance("app", "two")
    await world.clients(8)
    operations.ready("app", "two")
    assert operations.rebalance("app", 10.0) == {"pool": "app", "over": 10.0}
    await trio.sleep(11)
    assert "KD" in world.endings()


async def test_some_policies_do_not_balance(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world, pool='policy = "first"\n')
    with pytest.raises(OperationError, match="does not balance"):
        operations.rebalance("app", 10.0)


async def test_kick(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    first, second = await world.clients(2)
    assert operations.kick(connection=1) == {"ended": 1}
    assert await is_reset(first)
    assert await trade(second) == b"ping"
    assert operations.kick(pool="app") == {"ended": 1}
    await wait_all_tasks_blocked()
    assert [record.reason for record in world.records] == ["ended by the operator"] * 2
    assert world.endings() == ["KD", "KD"]


async def test_listeners(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    client = await world.client()
    assert operations.disable_listener("web") == {"listener": "web", "state": "closed"}
    with pytest.raises(ConnectionRefusedError):
        await world.client()
    assert await trade(client) == b"ping"
    assert operations.enable_listener("web") == {"listener": "web", "state": "open"}
    await world.client()
    assert operations.shutdown_listener("web") == {"listener": "web", "state": "closed"}
    await wait_all_tasks_blocked()
    with pytest.raises(ConnectionRefusedError):
        await world.client()
    assert await trade(client) == b"ping"


async def test_a_pool_that_was_drained_is_ready_again_as_a_whole(
    autojump_clock: MockClock, world: World
) -> None:
    operations = await running(world)
    operations.drain("app")
    assert operations.ready("app") == {"pool": "app", "backend": None, "state": None}
    assert {each.state for each in world.runtime.pools["app"].backends} == {State.UP}
    with pytest.raises(OperationError, match="there is no pool 'ap'"):
        operations.ready("ap")


async def test_limits(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    assert operations.set_max_connections(5, listener="web")["max_connections"] == 5
    assert operations.set_max_connections(6, pool="app", backend="one")["max_connections"] == 6
    assert operations.set_max_connections(7)["max_connections"] == 7
    assert operations.set_weight("app", "one", 3)["weight"] == 3
    for wrong in ({"pool": "app"}, {"backend": "one"}, {"listener": "web", "pool": "app"}):
        with pytest.raises(OperationError) as caught:
            operations.set_max_connections(5, **wrong)
        assert caught.value.code == "bad-value"


async def test_a_backend_is_named_with_its_pool(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    with pytest.raises(OperationError, match="by its pool and its own name"):
        operations.drain(backend="one")


async def test_counters(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    await world.clients(2)
    assert operations.clear_counters() == {"everything": False}
    assert world.balancer.statistics().traffic.accepted == 2
    operations.clear_counters(everything=True)
    assert world.balancer.statistics().traffic.accepted == 0


async def test_reload_without_a_file(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    with pytest.raises(OperationError) as caught:
        await operations.reload()
    assert (caught.value.code, caught.value.message) == (
        "reload-failed",
        "there is no file to reload",
    )


async def test_amend(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)

    def same(config: Config) -> Config:
        return config

    told = await operations.amend(same)
    assert told == {"changes": "listeners +0 ~0 -0, pools +0 ~0 -0, backends +0 ~0 -0"}


async def test_what_needs_a_restart(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)
    with pytest.raises(OperationError) as caught:
        await operations.amend(lambda config: attrs.evolve(config, control=None))
    assert caught.value.code == "needs-restart"
    assert "control.socket" in caught.value.message


async def test_what_the_system_refuses(autojump_clock: MockClock, world: World) -> None:
    operations = await running(world)

    def unreadable(_config: Config) -> Config:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(OperationError) as caught:
        await operations.amend(unreadable)
    assert (caught.value.code, caught.value.message) == ("reload-failed", "Permission denied")


def test_every_operation_returns_json_and_is_one_step() -> None:
    operations = {
        name: function
        for name, function in inspect.getmembers(Operations, inspect.isfunction)
        if not name.startswith("_")
    }
    waiting = {name for name, each in operations.items() if inspect.iscoroutinefunction(each)}
    assert waiting == {"reload", "amend"}
    returned = {inspect.signature(each).return_annotation for each in operations.values()}
    assert returned == {"Json", "list[Json]"}
