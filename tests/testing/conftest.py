"""A balancer under test, in memory, with three backends that send back what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.harness_site import Site
from support.world import BACKEND, OTHER, THIRD, World

from trio_balancer.testing import open_balancer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    """Give a test a running harness; it must ask for `autojump_clock` as well."""
    backends = (BACKEND, OTHER, THIRD)
    servers = [await world.server(address) for address in backends]
    async with open_balancer(backends, network=world.network, seed=7) as lb:
        yield Site(world, lb, servers)
