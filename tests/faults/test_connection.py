"""Faults while a connection is accepted and dialled, in virtual time."""

from __future__ import annotations

import pytest
import trio
from support.faulty import APP, WEB, faulty_world, how_it_ends
from support.world import BACKEND, finish, trade
from trio.testing import MockClock, wait_all_tasks_blocked


async def test_a_listener_that_refuses(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("refuse", name="no")
        assert await how_it_ends(await world.client()) == (b"", "reset")
        assert world.endings() == ["PR"]
        assert world.records[0].reason == "the fault 'no' refused it"
        assert world.records[0].refusal == "fault"
        assert world.balancer.statistics().traffic.refusals == {"fault": 1}


@pytest.mark.parametrize("match", [{"nth": 3}, {"nth": 3, "client": "0.0.0.0/0"}], ids=str)
async def test_connections_are_counted_in_the_order_in_which_they_came(
    autojump_clock: MockClock, match: dict[str, object]
) -> None:
    async with faulty_world() as world, trio.open_nursery() as nursery:
        world.add("refuse", match=match)
        # Their tasks begin together, and trio runs them in any order.
        for _ in range(20):
            nursery.start_soon(world.client)
        await world.until(lambda: bool(world.records))
        assert [record.number for record in world.records] == [3]


async def test_a_listener_that_delays(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("delay", delay=700, name="one")
        world.add("delay", delay=300, name="two")
        start = trio.current_time()
        client = await world.client()
        await trade(client)
        assert trio.current_time() - start == pytest.approx(1)
        await finish(client)
        assert world.endings() == ["--"]


async def test_a_delay_that_is_taken_away_or_changed_meanwhile(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("delay", delay=1e9, name="one")
        world.add("delay", delay=1e9, name="two")
        client = await world.client()
        await trio.sleep(5)
        world.book.remove(WEB, "one")
        world.book.update(WEB, "two", toxicity=0)
        start = trio.current_time()
        await trade(client)
        assert trio.current_time() == start


async def test_jitter_of_a_delay_is_drawn_once(autojump_clock: MockClock) -> None:
    async def seconds(changes: int) -> float:
        async with faulty_world() as world:
            world.add("delay", delay=1000, jitter=900)
            start = trio.current_time()
            client = await world.client()
            for _ in range(changes):
                world.add("noop", APP)
                world.book.reset(APP)
                await wait_all_tasks_blocked()
            await trade(client)
            return trio.current_time() - start

    assert 0.1 <= await seconds(0) <= 1.9
    assert await seconds(0) == pytest.approx(await seconds(5))


async def test_a_pool_that_refuses_is_like_one_that_is_down(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("refuse", APP)
        assert await how_it_ends(await world.client()) == (b"", "reset")
        assert world.endings() == ["SC"]
        assert "the fault 'refuse_downstream' refused it" in world.records[0].reason
        assert world.server_of_all.streams == []


async def test_a_client_that_tries_again_gets_through(autojump_clock: MockClock) -> None:
    async with faulty_world(pool="connect_attempts = 1") as world:
        world.add("refuse", APP, match={"first": 2})
        for expected in ("reset", "reset"):
            assert (await how_it_ends(await world.client()))[1] == expected
        await finish(await world.client())
        assert world.endings() == ["SC", "SC", "--"]


async def test_one_backend_that_refuses(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("refuse", APP, match={"backend": "another"})
        await finish(await world.client())
        world.add("refuse", APP, name="this", match={"backend": str(BACKEND)})
        await how_it_ends(await world.client())
        assert world.endings() == ["--", "SC"]


async def test_a_dial_that_takes_longer(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("delay", APP, delay=700)
        start = trio.current_time()
        client = await world.client()
        await trade(client)
        assert trio.current_time() - start == pytest.approx(0.7)
        await finish(client)
        assert world.records[0].connect_time == pytest.approx(0.7)


async def test_a_dial_that_takes_too_long(autojump_clock: MockClock) -> None:
    pool = 'connect_timeout = "2s"\nconnect_attempts = 1'
    async with faulty_world(pool=pool) as world:
        world.add("delay", APP, delay=60_000)
        start = trio.current_time()
        await how_it_ends(await world.client())
        assert trio.current_time() - start == pytest.approx(2)
        assert world.endings() == ["sC"]
        assert "no answer within 2 s" in world.records[0].reason


async def test_a_client_that_leaves_meanwhile(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("delay", delay=1e9)
        client = await world.client()
        client.reset()
        await wait_all_tasks_blocked()
        assert [ending[0] for ending in world.endings()] == ["C"]


async def test_faults_on_the_way_do_not_concern_connecting(autojump_clock: MockClock) -> None:
    async with faulty_world() as world:
        world.add("latency", latency=1000)
        world.add("stall", APP, stream="upstream")
        client = await world.client()
        assert len(world.server_of_all.streams) == 1
        client.reset()
