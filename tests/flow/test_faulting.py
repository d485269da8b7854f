from __future__ import annotations

import random

import attrs
import pytest
import trio
from support.faulty import APP, WEB, faulty_world, how_it_ends
from support.world import World, echo, finish, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.config import ConfigError
from trio_balancer.config.model import BalancerConfig, Config
from trio_balancer.faults import make_fault
from trio_balancer.flow.faulting import make_fault_book
from trio_balancer.flow.record import Who

NOOP = make_fault({"type": "noop"})


def with_fault(*, allowed: bool) -> Config:
    config = make_config()
    listener = attrs.evolve(config.listeners["web"], faults=(NOOP,))
    return Config({"web": listener}, config.pools, BalancerConfig(faults=allowed))


def test_no_book_unless_somebody_wants_one() -> None:
    assert make_fault_book(make_config(), random.Random(1), wanted=False) is None


def test_faults_that_nobody_wants_are_refused() -> None:
    with pytest.raises(ConfigError, match="need faults = true"):
        make_fault_book(with_fault(allowed=False), random.Random(1), wanted=False)


@pytest.mark.parametrize(("allowed", "wanted"), [(True, False), (False, True), (True, True)])
def test_the_book_has_those_of_the_configuration(*, allowed: bool, wanted: bool) -> None:
    book = make_fault_book(with_fault(allowed=allowed), random.Random(1), wanted=wanted)
    assert book is not None
    assert [each.fault for each in book.list()] == [NOOP]


def test_the_seed_comes_from_the_random_generator() -> None:
    books = [make_fault_book(make_config(), random.Random(5), wanted=True) for _ in range(2)]
    assert len({book.seed for book in books if book is not None}) == 1


async def test_a_balancer_has_none_by_accident(autojump_clock: MockClock, world: World) -> None:
    await world.serve(make_config())
    assert world.balancer.faults is None


async def test_configured_faults_are_at_work(autojump_clock: MockClock, world: World) -> None:
    fault = '[[pools.app.faults]]\ntype = "latency"\nattributes = { latency = 100 }\n'
    config = make_config(
        balancer="faults = true", more=f'[pools.app.health]\ntype = "none"\n{fault}'
    )
    await world.server(behave=echo)
    await world.serve(config)
    client = await world.client()
    start = trio.current_time()
    await trade(client)
    assert trio.current_time() - start == pytest.approx(0.1)


async def test_reload_takes_faults_away_and_brings_others(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        world.add("latency", latency=100)
        fault = '[[pools.app.faults]]\ntype = "latency"\nattributes = { latency = 30 }\n'
        await world.balancer.reload(
            make_config(
                balancer="faults = true", more=f'[pools.app.health]\ntype = "none"\n{fault}'
            )
        )
        start = trio.current_time()
        await trade(client)
        assert trio.current_time() - start == pytest.approx(0.13)
        await world.balancer.reload(make_config(balancer="faults = true"))
        assert [each.scope for each in world.book.list()] == [WEB]


async def test_a_connection_that_is_over_is_met_no_more(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        await finish(await world.client())
        world.add("reset", APP)
        await wait_all_tasks_blocked()
        assert world.endings() == ["--"]
        assert not world.book._live


async def test_who_ended_it_first_is_believed(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        client = await world.client()
        [connection] = world.runtime.connections.values()
        assert connection.faults is not None
        connection.end(Who.POLICY, "first")
        connection.faults._end("second", reset=False)
        assert (await how_it_ends(client))[1] == "reset"
        assert [record.reason for record in world.records] == ["first"]
