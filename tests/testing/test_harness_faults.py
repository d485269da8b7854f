from __future__ import annotations

from typing import Any

import pytest
import trio
from support.harness_site import Site, is_silent, settle
from support.world import BACKEND, OTHER, World, finish, is_reset, trade
from trio.testing import MockClock

from trio_balancer.testing import FaultError, MemoryNetwork, open_balancer
from trio_balancer.testing.harness_backends import Which

TWO = """
[listeners.web]
bind = "10.0.0.1:80"
pool = "app"
[listeners.mail]
bind = "10.0.0.1:25"
pool = "mail"
[pools.app]
backends = ["10.0.1.1:80"]
health = { type = "none" }
[pools.mail]
backends = ["10.0.1.1:80", "10.0.1.2:80"]
health = { type = "none" }
"""


async def seconds_of_a_trade(site: Site) -> float:
    client = await site.client()
    began = trio.current_time()
    await trade(client)
    client.close()
    await settle()
    return trio.current_time() - began


def told(site: Site) -> list[tuple[str, str]]:
    """List what the timeline tells of faults: what became of them, and the names."""
    return [
        (event.kind.removeprefix("fault "), event.detail.split(":")[0])
        for event in site.lb.events
        if event.kind.startswith("fault ")
    ]


async def test_it_is_there_for_as_long_as_the_block_runs(
    autojump_clock: MockClock, site: Site
) -> None:
    with site.lb.fault("latency", latency=100):
        assert await seconds_of_a_trade(site) == pytest.approx(0.1)
    assert await seconds_of_a_trade(site) == 0


async def test_it_is_met_by_live_connections(autojump_clock: MockClock, site: Site) -> None:
    client = await site.client()
    await trade(client)
    with site.lb.fault("stall"):
        await client.send_all(b"ping")
        assert await is_silent(client)
    began = trio.current_time()
    assert await client.receive_some() == b"ping"
    assert trio.current_time() == began, "at once"


async def test_it_goes_also_when_the_block_fails(autojump_clock: MockClock, site: Site) -> None:
    with pytest.raises(KeyError), site.lb.fault("latency", latency=100):
        raise KeyError
    assert await seconds_of_a_trade(site) == 0


async def test_it_goes_also_when_the_block_is_cancelled(
    autojump_clock: MockClock, site: Site
) -> None:
    with trio.move_on_after(1), site.lb.fault("latency", latency=100):
        await trio.sleep_forever()
    assert await seconds_of_a_trade(site) == 0


async def test_several_of_a_type_add_up(autojump_clock: MockClock, site: Site) -> None:
    with site.lb.fault("latency", latency=100) as one, site.lb.fault("latency", latency=50) as two:
        assert (one.name, two.name) == ("latency_downstream", "latency_downstream_2")
        assert await seconds_of_a_trade(site) == pytest.approx(0.15)
        with site.lb.fault("latency", latency=5, stream="upstream") as three:
            assert three.name == "latency_upstream"
            assert await seconds_of_a_trade(site) == pytest.approx(0.155)
    assert await seconds_of_a_trade(site) == 0


async def test_changed_while_it_is_there(autojump_clock: MockClock, site: Site) -> None:
    with site.lb.fault("latency", latency=100, name="slow") as slow:
        slow.update(latency=300)
        assert await seconds_of_a_trade(site) == pytest.approx(0.3)
        slow.update(toxicity=0)
        assert await seconds_of_a_trade(site) == 0
    names = "slow on listeners.front"
    assert told(site) == [(what, names) for what in ("added", "changed", "changed", "removed")]


# Where it is


@pytest.mark.parametrize("which", [1, str(OTHER), (str(OTHER.ip), OTHER.port)])
async def test_on_one_backend(autojump_clock: MockClock, site: Site, which: Which) -> None:
    with site.lb.fault("latency", backend=which, latency=100):
        took = [await seconds_of_a_trade(site) for _ in range(3)]
    assert took == pytest.approx([0, 0.1, 0])
    [added] = [event for event in site.lb.events if event.kind == "fault added"]
    assert added.backend == str(OTHER)


async def test_on_two_backends_of_a_pool(autojump_clock: MockClock, site: Site) -> None:
    with (
        site.lb.fault("latency", backend=0, latency=100),
        site.lb.fault("latency", backend=1, latency=50),
    ):
        took = [await seconds_of_a_trade(site) for _ in range(3)]
    assert took == pytest.approx([0.1, 0.05, 0])


async def test_a_backend_that_refuses(autojump_clock: MockClock, site: Site) -> None:
    with site.lb.fault("refuse", backend=0):
        for _ in range(2):
            await finish(await site.client())
    site.lb.assert_distribution({1: 1, 2: 1})


async def test_the_first_client_only(autojump_clock: MockClock, site: Site) -> None:
    with site.lb.fault("reset_peer", match={"first": 1}, timeout=0):
        first, second = await site.client(), await site.client()
        await first.send_all(b"ping")
        assert await is_reset(first)
        assert await trade(second) == b"ping"


async def test_on_one_of_several_listeners_and_pools(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    async with open_balancer(TWO, network=world.network) as lb:
        site = Site(world, lb, [])
        with lb.fault("noop", listener="mail"), lb.fault("noop", pool="mail"):
            pass
        with lb.fault("noop", pool="mail", backend=1):
            pass
        places = ["listeners.mail", "pools.mail", "pools.mail"]
        added = [name for kind, name in told(site) if kind == "added"]
        assert added == [f"noop_downstream on {place}" for place in places]


async def test_a_place_that_is_not_clear(autojump_clock: MockClock) -> None:
    async with open_balancer(TWO, network=MemoryNetwork()) as lb:
        mistakes: list[tuple[dict[str, Any], type[Exception], str]] = [
            ({}, LookupError, "which listener? There are: web, mail"),
            ({"listener": "wbe"}, LookupError, "which listener? There are: web, mail"),
            ({"pool": "no"}, LookupError, "which pool? There are: app, mail"),
            ({"backend": "10.0.1.1:80"}, LookupError, "several pools have a backend"),
            ({"backend": "x", "pool": "app"}, LookupError, "no backend is 'x'"),
            ({"listener": "web", "pool": "app"}, ValueError, "not on both"),
            ({"listener": "web", "backend": 0}, ValueError, "not on both"),
        ]
        for place, error, message in mistakes:
            with pytest.raises(error) as caught, lb.fault("noop", **place):
                pass
            assert message in str(caught.value)


async def test_where_nobody_listens(autojump_clock: MockClock, site: Site) -> None:
    site.lb._runner.balancer._house.gates.in_force.clear()
    with pytest.raises(LookupError, match="There are: none"), site.lb.fault("noop"):
        pass


# Mistakes


@pytest.mark.parametrize(
    ("kind", "wish", "message"),
    [
        ("latncy", {}, "did you mean 'latency'?"),
        ("latency", {"latncy": 1}, "did you mean 'latency'?"),
        ("latency", {"latency": -1}, "attributes.latency: expected"),
        ("latency", {"stream": "up"}, "stream: expected"),
        ("latency", {"toxicity": 2}, "toxicity: expected"),
        ("latency", {"match": {"frist": 1}}, "did you mean 'first'?"),
        ("latency", {"match": {"backend": "x"}, "backend": 0}, "is given twice"),
        ("refuse", {"stream": "upstream"}, "which is about connecting"),
        ("noop", {"name": "there"}, "has a fault 'there' already"),
    ],
)
async def test_what_makes_no_sense_adds_nothing(
    autojump_clock: MockClock, site: Site, kind: str, wish: dict[str, Any], message: str
) -> None:
    with site.lb.fault("noop", name="there"):
        before = told(site)
        with pytest.raises(FaultError) as caught, site.lb.fault(kind, **wish):
            pass
        assert message in str(caught.value)
        assert told(site) == before


async def test_taken_away_by_somebody_else(autojump_clock: MockClock, site: Site) -> None:
    with site.lb.fault("latency", latency=100) as slow:
        site.lb._runner.faults.reset()
        assert await seconds_of_a_trade(site) == 0
        with pytest.raises(FaultError, match="has no fault 'latency_downstream'"):
            slow.update(latency=1)
    assert [kind for kind, _ in told(site)] == ["added", "removed"]


async def test_the_seed_says_whom_it_hits(autojump_clock: MockClock) -> None:
    hit = [await _hits(seed) for seed in (1, 1, 2)]
    assert hit[0] == hit[1] != hit[2]


async def _hits(seed: int) -> list[str | None]:
    """Let 20 clients meet a fault that refuses half of them."""
    async with trio.open_nursery() as nursery:
        world = World(nursery)
        await world.server(BACKEND)
        async with open_balancer([BACKEND], network=world.network, seed=seed) as lb:
            site = Site(world, lb, [])
            with lb.fault("refuse", toxicity=0.5):
                for _ in range(20):
                    client = await site.client()
                    client.close()
                    await settle()
            endings = site.endings()
        nursery.cancel_scope.cancel()
    return endings
