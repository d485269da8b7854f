"""What the examples share: a network in memory, where time passes only when everybody waits."""

from __future__ import annotations

import pytest

from trio_balancer.testing import MemoryNetwork


@pytest.fixture
def network() -> MemoryNetwork:
    """Give a test hosts and ports of its own; it must ask for `autojump_clock` as well."""
    return MemoryNetwork()
