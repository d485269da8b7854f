from __future__ import annotations

import pytest
import trio
from support.harness_site import Site, settle
from support.world import BACKEND, OPTIONS, finish, trade
from trio.testing import MockClock

from trio_balancer.network import SocketNetwork
from trio_balancer.testing import BalancerBugError, Harness, LeakError, MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address


async def test_the_same_seed_makes_the_same_choices(autojump_clock: MockClock) -> None:
    chosen = [await _choices(11), await _choices(11), await _choices(12)]
    assert chosen[0] == chosen[1] != chosen[2]


async def _choices(seed: int) -> list[str | None]:
    """Let 20 clients choose at random among backends that refuse them."""
    network = MemoryNetwork()
    backends = [f"10.0.1.{n}:80" for n in range(1, 10)]
    changes = ["pools.app.policy=random", "pools.app.connect_attempts=1"]
    async with open_balancer(backends, network=network, seed=seed, overrides=changes) as lb:
        assert lb.seed == seed
        for _ in range(20):
            await network.connect(inet_address(*lb.address), options=OPTIONS)
            await settle()
        return [each.backend for each in lb.connections]


async def test_a_seed_is_chosen_where_none_is_given(autojump_clock: MockClock) -> None:
    one, two = (Harness((), network=MemoryNetwork()) for _ in range(2))
    assert one.seed != two.seed


# Waiting


async def test_wait_ends_with_the_event(
    autojump_clock: MockClock, site: Site, nursery: trio.Nursery
) -> None:
    async def come_later() -> None:
        await trio.sleep(5)
        await site.client()

    nursery.start_soon(come_later)
    await site.lb.wait(lambda lb: lb.distribution()[str(BACKEND)] == 1, timeout=60)
    assert trio.current_time() == 5


async def test_wait_sees_bytes_that_move(
    autojump_clock: MockClock, site: Site, nursery: trio.Nursery
) -> None:
    client = await site.client()

    async def speak_later() -> None:
        await trio.sleep(5)
        await trade(client, b"12345")

    nursery.start_soon(speak_later)
    await site.lb.wait(lambda lb: lb.connections[0].bytes_up == 5, timeout=60)
    assert trio.current_time() == 5


async def test_wait_looks_again_for_what_is_not_told(autojump_clock: MockClock, site: Site) -> None:
    await site.lb.wait(lambda _lb: trio.current_time() >= 3)
    assert trio.current_time() == pytest.approx(3, abs=0.1)


async def test_wait_gives_up_with_the_timeline_and_the_seed(
    autojump_clock: MockClock, site: Site
) -> None:
    await finish(await site.client())
    with pytest.raises(AssertionError, match="still not so after 2 s") as caught:
        await site.lb.wait(lambda _lb: False, timeout=2)
    assert trio.current_time() == 2
    assert "seed 7" in str(caught.value)
    assert "ended         #1" in str(caught.value)


async def test_what_a_predicate_raises_goes_through(autojump_clock: MockClock, site: Site) -> None:
    with pytest.raises(ZeroDivisionError):
        await site.lb.wait(lambda _lb: 1 / 0)


async def test_wait_does_not_wait_for_a_balancer_that_has_failed(
    autojump_clock: MockClock, site: Site, nursery: trio.Nursery
) -> None:
    async def fail() -> None:
        await trio.sleep(1)
        raise ZeroDivisionError

    runner = site.lb._runner
    runner.nursery.start_soon(fail)
    with pytest.raises(ZeroDivisionError):
        await site.lb.wait(lambda _lb: False, timeout=1000)
    assert trio.current_time() < 2
    runner.failure = None  # it was expected


# Its end


async def test_draining_waits_for_the_last_connection(
    autojump_clock: MockClock, site: Site
) -> None:
    client = await site.client()
    await site.lb.drain(timeout=4)
    assert trio.current_time() == 4
    assert site.endings() == ["KD"]
    assert site.lb.statistics().active == 0
    client.close()


async def test_real_sockets_and_a_mock_clock_do_not_mix(autojump_clock: MockClock) -> None:
    for network in (None, SocketNetwork()):
        with pytest.raises(RuntimeError, match="give network=MemoryNetwork"):
            Harness((), network=network)


async def test_bugs_of_the_balancer_are_problems(autojump_clock: MockClock, site: Site) -> None:
    site.lb._observer.bugs.append("Traceback: a bug")
    [problem] = await site.lb.stop()
    assert isinstance(problem, BalancerBugError)
    assert "a bug" in str(problem)
    site.lb._observer.bugs.clear()


async def test_what_is_left_behind_is_a_problem_and_is_closed(
    autojump_clock: MockClock, site: Site
) -> None:
    stream = await site.lb._network.connect(BACKEND, options=OPTIONS)
    [problem] = await site.lb.stop()
    assert isinstance(problem, LeakError)
    await settle()
    assert stream.closed
