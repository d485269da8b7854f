from __future__ import annotations

import pytest
from support.harness_site import Site
from support.world import BACKEND, OTHER, THIRD, World, finish, keep
from trio.testing import MockClock

from trio_balancer.testing import MemoryNetwork, open_balancer

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


async def test_statistics_and_log(autojump_clock: MockClock, site: Site) -> None:
    await finish(await site.client())
    assert site.lb.statistics().traffic.accepted == 1
    assert any("Listening" in line for line in site.lb.log)


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
