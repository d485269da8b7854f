from __future__ import annotations

import pytest
import trio
from support.harness_site import Site, settle
from support.world import BACKEND, OPTIONS, OTHER, THIRD, World, finish, keep, trade
from trio.testing import MockClock

from trio_balancer.network import SocketNetwork
from trio_balancer.testing import BalancerBugError, Harness, LeakError, MemoryNetwork, open_balancer
from trio_balancer.wire.address import inet_address

BOTH = """
[listeners.unix]
bind = "unix:/run/app.sock"
pool = "app"
[listeners.web]
bind = ["10.0.0.1:80", "10.0.0.2:80"]
pool = "other"
[pools.app]
backends = ["10.0.1.1:80"]
health = { type = "none" }
[pools.other]
backends = ["10.0.1.1:80", "10.0.1.2:80"]
health = { type = "none" }
"""


async def test_addresses(autojump_clock: MockClock) -> None:
    async with open_balancer(BOTH, network=MemoryNetwork()) as lb:
        assert lb.address == ("10.0.0.1", 80)
        shown = {name: list(map(str, bound)) for name, bound in lb.addresses.items()}
        assert shown == {
            "unix": ["unix:/run/app.sock"],
            "web": ["10.0.0.1:80", "10.0.0.2:80"],
        }


async def test_an_address_for_whom_there_is_none(autojump_clock: MockClock) -> None:
    text = '[listeners.web]\nbind="unix:/run/a"\npool="app"\n[pools.app]\nbackends=["1.1.1.1:1"]'
    changes = ['pools.app.health.type="none"']
    async with open_balancer(text, network=MemoryNetwork(), overrides=changes) as lb:
        with pytest.raises(LookupError, match="see addresses"):
            _ = lb.address


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


async def test_statistics_and_log(autojump_clock: MockClock, site: Site) -> None:
    await finish(await site.client())
    assert site.lb.statistics().traffic.accepted == 1
    assert any("Listening" in line for line in site.lb.log)


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


# The distribution


async def test_the_distribution_counts_who_was_reached(
    autojump_clock: MockClock, site: Site
) -> None:
    for _ in range(4):
        await finish(await site.client())
    site.lb.assert_distribution({str(BACKEND): 2, 1: 1, ("10.0.1.3", 80): 1})
    site.lb.assert_distribution({0: 2, 1: 2, 2: 2}, tolerance=1)
    assert site.lb.distribution() == {str(BACKEND): 2, str(OTHER): 1, str(THIRD): 1}


async def test_a_wrong_distribution_tells_all(autojump_clock: MockClock, site: Site) -> None:
    await finish(await site.client())
    with pytest.raises(AssertionError) as caught:
        site.lb.assert_distribution({1: 1})
    text = str(caught.value)
    assert text.startswith("expected {'10.0.1.2:80': 1}, found {'10.0.1.1:80': 1, ")
    assert "seed 7" in text
    assert "connected" in text
    with pytest.raises(LookupError):
        site.lb.assert_distribution({"nobody": 0})


async def test_a_distribution_for_each_pool(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND, keep)
    async with open_balancer(BOTH, network=world.network) as lb:
        site = Site(world, lb, [])
        await site.client()
        lb.assert_distribution({0: 1}, pool="other")
        lb.assert_distribution({}, pool="app")


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
