"""pytest's door to the harness: the fixtures `balancer` and `balancer_factory`.

Both look at the test that asks. In a trio test (pytest-trio, or anyio on trio) the balancer runs
in the test's own loop; in an asyncio test (pytest-asyncio, or anyio) in a thread, behind calls to
await; in any other test in a thread, behind calls that block.
"""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from trio.abc import Clock

from trio_balancer.testing.asyncio_harness import AsyncioHarness, open_balancer_asyncio
from trio_balancer.testing.harness import Harness
from trio_balancer.testing.open_balancer import open_balancer
from trio_balancer.testing.plugin_flavour import Flavour, flavour_of
from trio_balancer.testing.sync_harness import SyncHarness, open_balancer_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence

    from trio_balancer.network.seam import Network
    from trio_balancer.testing.harness_config import ConfigOrBackends

    AnyHarness = Harness | SyncHarness | AsyncioHarness

_SEED = "trio_balancer_seed"
_seed_key = pytest.StashKey[int]()
#: What went through a test's balancers, told when each of them was closed.
_reports_key = pytest.StashKey[list[Callable[[], str]]]()
