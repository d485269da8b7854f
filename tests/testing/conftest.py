"""Backends that send back what comes, and a balancer in front of them in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.harness_site import Site
from support.servers import echo_server
from support.world import BACKEND, OTHER, THIRD, World

from trio_balancer.testing import open_balancer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    """Give a test a running harness; it must ask for `autojump_clock` as well."""
    backends = (BACKEND, OTHER, THIRD)
    servers = [await world.server(address) for address in backends]
    async with open_balancer(backends, network=world.network, seed=7) as lb:
        yield Site(world, lb, servers)


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """Give a test two backends on 127.0.0.1."""
    with echo_server() as one, echo_server() as two:
        yield [one, two]
