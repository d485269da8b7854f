"""Fixtures of more than one room."""

from __future__ import annotations

import pytest
import trio
from support.world import World
from trio.testing import MockClock


@pytest.fixture
def world(nursery: trio.Nursery) -> World:
    """Give a test everything around a balancer; it must ask for `autojump_clock` as well."""
    # pytest-trio looks for a clock among the test's own arguments only, and with the usual one
    # everything would pass, in real time.
    assert isinstance(trio.lowlevel.current_clock(), MockClock)
    return World(nursery)
