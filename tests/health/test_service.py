from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
import trio.testing

from trio_balancer.config.model import BackendConfig, PoolConfig
from trio_balancer.config.model_health import CheckType, HealthConfig, OutlierConfig
from trio_balancer.flow.names import Names
from trio_balancer.health.ejections import Wakeup
from trio_balancer.health.service import Watchers, watch_backend
from trio_balancer.network import SocketOptions
from trio_balancer.policy import Pool, State
from trio_balancer.wire.address import InetAddress, NamedAddress, inet_address

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from trio.testing import MockClock

    from trio_balancer.flow.log import Log
    from trio_balancer.testing import MemoryNetwork
    from trio_balancer.wire.address import Address

    Service = Callable[..., Awaitable[None]]

ONE = inet_address("192.0.2.1", 80)
TWO = inet_address("192.0.2.2", 80)
THREE = inet_address("192.0.2.3", 80)
NAME = NamedAddress("app.example", 80)


@pytest.fixture
def changed() -> Wakeup:
    return Wakeup()


@pytest.fixture
def make_pool(rng: random.Random, changed: Wakeup) -> Callable[..., Pool]:
    def make(*addresses: Address, health: HealthConfig, name: str = "app") -> Pool:
        backends = tuple(BackendConfig(str(address), address) for address in addresses)
        outlier = OutlierConfig(failures=1, ejection=5.0)
        config = PoolConfig(name, backends, health=health, outlier=outlier)
        return Pool(config, now=0.0, rng=rng, notify=lambda _: changed.wake())

    return make


@pytest.fixture
def run(
    network: MemoryNetwork, names: Names, rng: random.Random, log: Log, changed: Wakeup
) -> Callable[..., Service]:
    return lambda *pools: (
        Watchers(
            pools, network=network, names=names, rng=rng, log=log, legs={}, changed=changed
        ).run
    )


@pytest.fixture
def watch(network: MemoryNetwork, rng: random.Random, log: Log) -> Callable[..., Service]:
    return lambda names: partial(
        watch_backend, network=network, names=names, rng=rng, log=log, legs={}
    )


class StuckNames(Names):
    """Nothing is ever answered."""

    async def keep_resolving(
        self,
        address: NamedAddress,
        interval: float,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        await trio.sleep_forever()


@pytest.fixture
def stuck(network: MemoryNetwork, rng: random.Random, log: Log) -> Names:
    return StuckNames(network, rng=rng, log=log)


def states(pool: Pool) -> list[State]:
    return [backend.state for backend in pool.backends]


async def listen(network: MemoryNetwork, *addresses: InetAddress) -> None:
    for address in addresses:
        await network.listen(address, backlog=1000, options=SocketOptions())


async def test_it_starts_after_one_round_of_checks_of_all_backends_at_once(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    run: Callable[..., Service],
) -> None:
    await listen(network, ONE)
    network.blackhole(TWO)
    network.blackhole(THREE)
    first = make_pool(ONE, TWO, health=HealthConfig(timeout=1.0))
    second = make_pool(THREE, health=HealthConfig(timeout=2.0), name="batch")
    await nursery.start(run(first, second))
    assert trio.current_time() == 2.0
    assert states(first) == [State.UP, State.DOWN]
    assert states(second) == [State.DOWN]


async def test_one_slow_backend_does_not_delay_the_checks_of_another(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    run: Callable[..., Service],
) -> None:
    await listen(network, ONE)
    network.blackhole(TWO)
    pool = make_pool(ONE, TWO, health=HealthConfig(interval=1.0, timeout=60.0))
    nursery.start_soon(run(pool))
    await trio.sleep(50)
    assert pool.backends[0].checks_passed >= 45
    assert pool.backends[1].checks_failed == 0


async def test_ejections_end(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    run: Callable[..., Service],
) -> None:
    await listen(network, ONE, TWO)
    pool = make_pool(ONE, TWO, health=HealthConfig())
    await nursery.start(run(pool))
    pool.dial_failed(pool.backends[0], trio.current_time(), "Connection refused", 0.0)
    assert states(pool) == [State.DOWN, State.UP]
    await trio.sleep(4.9)
    assert states(pool) == [State.DOWN, State.UP]
    await trio.sleep(0.2)
    assert states(pool) == [State.UP, State.UP]


@pytest.mark.parametrize("check", [CheckType.TCP, CheckType.NONE])
async def test_named_backends_are_resolved_before_it_starts(  # noqa: PLR0917 - fixtures and a table
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    names: Names,
    make_pool: Callable[..., Pool],
    run: Callable[..., Service],
    check: CheckType,
) -> None:
    await listen(network, ONE)
    network.names["app.example"] = [ONE]
    pool = make_pool(NAME, health=HealthConfig(check))
    await nursery.start(run(pool))
    assert trio.current_time() == 0
    assert list(names.lookup(NAME)) == [ONE]
    assert pool.backends[0].state is State.UP


@pytest.mark.parametrize("check", [CheckType.TCP, CheckType.NONE])
async def test_a_stuck_resolver_delays_the_start_by_no_more_than_the_timeout(  # noqa: PLR0917 - likewise
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    make_pool: Callable[..., Pool],
    watch: Callable[..., Service],
    stuck: Names,
    check: CheckType,
) -> None:
    pool = make_pool(NAME, health=HealthConfig(check, timeout=0.5))
    await nursery.start(watch(stuck), pool, pool.backends[0])
    assert trio.current_time() == 0.5
    up_without_checks = State.UP if check is CheckType.NONE else State.DOWN
    assert pool.backends[0].state is up_without_checks


async def test_names_to_check_at_are_resolved_too(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    run: Callable[..., Service],
) -> None:
    await listen(network, TWO)
    network.names["checks.example"] = [TWO]
    pool = make_pool(ONE, health=HealthConfig(address="checks.example"))
    await nursery.start(run(pool))
    assert pool.backends[0].checks_passed == 1


async def test_type_none_has_no_task_of_its_own(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    names: Names,
    make_pool: Callable[..., Pool],
    watch: Callable[..., Service],
) -> None:
    pool = make_pool(ONE, health=HealthConfig(CheckType.NONE))
    await nursery.start(watch(names), pool, pool.backends[0])
    await trio.testing.wait_all_tasks_blocked()
    assert not nursery.child_tasks
    assert pool.backends[0].state is State.UP


async def test_without_pools_it_starts(
    autojump_clock: MockClock, nursery: trio.Nursery, run: Callable[..., Service]
) -> None:
    await nursery.start(run())
    assert trio.current_time() == 0


@pytest.fixture
def watchers(
    network: MemoryNetwork, names: Names, rng: random.Random, log: Log, changed: Wakeup
) -> Callable[..., Watchers]:
    return lambda pools: Watchers(
        pools, network=network, names=names, rng=rng, log=log, legs={}, changed=changed
    )


async def test_it_follows_pools_that_come_and_go(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    watchers: Callable[..., Watchers],
) -> None:
    await listen(network, ONE, TWO)
    first = make_pool(ONE, health=HealthConfig(interval=1.0))
    second = make_pool(TWO, health=HealthConfig(interval=1.0), name="batch")
    pools = [first]
    everybody = watchers(pools)
    await nursery.start(everybody.run)
    pools[:] = [second]
    everybody.follow()
    await trio.sleep(10)
    assert first.backends[0].checks_passed == 1
    assert second.backends[0].checks_passed > 8


async def test_who_stays_as_it_was_is_not_checked_out_of_turn(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    watchers: Callable[..., Watchers],
) -> None:
    await listen(network, ONE)
    pool = make_pool(ONE, health=HealthConfig(interval=100.0))
    everybody = watchers([pool])
    await nursery.start(everybody.run)
    pool.reconfigure(attrs.evolve(pool.config, queue_limit=7), 0.0)
    everybody.follow()
    await trio.sleep(50)
    assert pool.backends[0].checks_passed == 1
    pool.reconfigure(attrs.evolve(pool.config, health=HealthConfig(interval=10.0)), 50.0)
    everybody.follow()
    await trio.sleep(25)
    assert pool.backends[0].checks_passed == 4
    pool.reconfigure(attrs.evolve(pool.config, health=HealthConfig(CheckType.NONE)), 75.0)
    everybody.follow()
    await trio.sleep(100)
    assert pool.backends[0].checks_passed == 4


async def test_new_pools_are_watched_before_they_serve(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    watchers: Callable[..., Watchers],
) -> None:
    network.blackhole(ONE)
    pools: list[Pool] = []
    everybody = watchers(pools)
    await nursery.start(everybody.run)
    pools.append(make_pool(ONE, health=HealthConfig(timeout=3.0)))
    await everybody.watch(pools)
    assert trio.current_time() == 3.0
    assert states(pools[0]) == [State.DOWN]


async def test_once_it_has_ended_there_is_nothing_to_wait_for(
    autojump_clock: MockClock,
    network: MemoryNetwork,
    make_pool: Callable[..., Pool],
    watchers: Callable[..., Watchers],
) -> None:
    pool = make_pool(ONE, health=HealthConfig())
    everybody = watchers([pool])
    async with trio.open_nursery() as nursery:
        await nursery.start(everybody.run)
        nursery.cancel_scope.cancel()
    everybody.follow()
    await everybody.watch([make_pool(TWO, health=HealthConfig())])
    assert trio.current_time() == 0
