"""pytest's door to the harness: the fixtures `balancer` and `balancer_factory`.

Both look at the test that asks. In a trio test (pytest-trio, or anyio on trio) the balancer runs
in the test's own loop; in an asyncio test (pytest-asyncio, or anyio) in a thread, behind calls to
await; in any other test in a thread, behind calls that block.
"""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

from trio_balancer.testing.asyncio_harness import AsyncioHarness, start_in_portal
from trio_balancer.testing.conclusion import conclude
from trio_balancer.testing.open_balancer import open_balancer
from trio_balancer.testing.plugin_flavour import Flavour, flavour_of, refuse
from trio_balancer.testing.portal import open_portal
from trio_balancer.testing.remote_harness import open_in_thread
from trio_balancer.testing.sync_harness import SyncHarness, open_balancer_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence

    from trio_balancer.network.seam import Network
    from trio_balancer.testing.harness import Harness
    from trio_balancer.testing.harness_config import ConfigOrBackends

_seed_key = pytest.StashKey[int]()
#: Tell, for each balancer of a test, what went through it.
_reports_key = pytest.StashKey["list[Callable[[], str]]"]()


# The seed


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--trio-balancer-seed`."""
    parser.getgroup("trio-balancer").addoption(
        "--trio-balancer-seed",
        type=int,
        metavar="N",
        help="what all random choices of balancers under test come from (default: any number)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose one seed for the whole run; xdist's workers are told theirs."""
    given = config.getoption("trio_balancer_seed")
    if given is None:
        told = getattr(config, "workerinput", {})
        given = told.get("trio_balancer_seed", random.SystemRandom().getrandbits(32))
    config.stash[_seed_key] = given


class _WorkerNode(Protocol):
    """What xdist gives to the hook below."""

    config: pytest.Config
    workerinput: dict[str, object]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _WorkerNode) -> None:
    """Tell a worker of xdist the seed."""
    node.workerinput["trio_balancer_seed"] = node.config.stash[_seed_key]


# What a failed test shows


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what went through the test's balancers to the report of a failure."""
    report = yield
    if report.failed:
        seed = item.config.stash[_seed_key]
        for tell in item.stash.get(_reports_key, []):
            text = f"{tell()}\nrepeat with --trio-balancer-seed={seed}"
            report.sections.append(("what went through the balancer", text))
    if report.when == "teardown":
        # An item lives as long as the run, and some run again (pytest-rerunfailures).
        item.stash[_reports_key] = []
    return report


def _seed_of(request: pytest.FixtureRequest, given: int | None) -> int:
    return request.config.stash[_seed_key] if given is None else given


def _tell_of(request: pytest.FixtureRequest, report: Callable[[], str]) -> None:
    request.node.stash.setdefault(_reports_key, []).append(report)


# The fixtures


@pytest.fixture
def balancer_config() -> ConfigOrBackends:
    """Return what `balancer` is made from; no backends, unless your own tests override it."""
    return ()


@pytest.fixture
def balancer_network() -> Network | None:
    """Return the network of `balancer` in a trio test; None: the kernel's sockets.

    Override it to return a `MemoryNetwork`, as tests under a MockClock must.
    """
    return None


@pytest.fixture
def balancer(request: pytest.FixtureRequest) -> Iterator[object]:
    """Run a balancer for the test, made from the fixture `balancer_config`.

    A `Harness` in a trio test, an `AsyncioHarness` in an asyncio test, else a `SyncHarness`.
    """
    flavour = flavour_of(request)
    if flavour is Flavour.TRIO:
        yield request.getfixturevalue("_trio_balancer")
        return
    if request.getfixturevalue("balancer_network") is not None:
        refuse(flavour, "balancer_network")
    config = request.getfixturevalue("balancer_config")
    with open_in_thread(config, _seed_of(request, None), ()) as (harness, portal):
        _tell_of(request, harness.report)
        kind = SyncHarness if flavour is Flavour.SYNC else AsyncioHarness
        yield kind(harness, portal)


@pytest.fixture
def balancer_factory(request: pytest.FixtureRequest) -> Iterator[object]:
    """Return a function that runs a balancer until the test ends.

    Its parameters are `open_balancer`'s, `network` in trio tests only. Trio and asyncio tests
    await it.
    """
    flavour = flavour_of(request)
    if flavour is Flavour.TRIO:
        yield request.getfixturevalue("_trio_balancer_factory")
        return
    with ExitStack() as stack:
        kind = SyncFactory if flavour is Flavour.SYNC else AsyncioFactory
        yield kind(request, stack)


# Trio's plugins run these in the test's own loop, because they are async.


@pytest.fixture
async def _trio_balancer(
    request: pytest.FixtureRequest,
    balancer_config: ConfigOrBackends,
    balancer_network: Network | None,
) -> AsyncIterator[Harness]:
    seed = _seed_of(request, None)
    async with open_balancer(balancer_config, network=balancer_network, seed=seed) as harness:
        _tell_of(request, harness.report)
        yield harness


@pytest.fixture
async def _trio_balancer_factory(request: pytest.FixtureRequest) -> AsyncIterator[TrioFactory]:
    async with AsyncExitStack() as stack:
        yield TrioFactory(request, stack)


class TrioFactory:
    """`balancer_factory` of a trio test."""

    def __init__(self, request: pytest.FixtureRequest, stack: AsyncExitStack) -> None:
        self._request = request
        self._stack = stack

    async def __call__(
        self,
        config_or_backends: ConfigOrBackends = (),
        *,
        network: Network | None = None,
        seed: int | None = None,
        overrides: Sequence[str] = (),
    ) -> Harness:
        """Run a balancer until the test ends."""
        opened = open_balancer(
            config_or_backends,
            network=network,
            seed=_seed_of(self._request, seed),
            overrides=overrides,
        )
        harness = await self._stack.enter_async_context(opened)
        _tell_of(self._request, harness.report)
        return harness


class SyncFactory:
    """`balancer_factory` of a test without async."""

    def __init__(self, request: pytest.FixtureRequest, stack: ExitStack) -> None:
        self._request = request
        self._stack = stack

    def __call__(
        self,
        config_or_backends: ConfigOrBackends = (),
        *,
        seed: int | None = None,
        overrides: Sequence[str] = (),
    ) -> SyncHarness:
        """Run a balancer until the test ends."""
        seed = _seed_of(self._request, seed)
        opened = open_balancer_sync(config_or_backends, seed=seed, overrides=overrides)
        harness = self._stack.enter_context(opened)
        _tell_of(self._request, harness.report)
        return harness


class AsyncioFactory:
    """`balancer_factory` of an asyncio test."""

    def __init__(self, request: pytest.FixtureRequest, stack: ExitStack) -> None:
        self._request = request
        self._stack = stack

    async def __call__(
        self,
        config_or_backends: ConfigOrBackends = (),
        *,
        seed: int | None = None,
        overrides: Sequence[str] = (),
    ) -> AsyncioHarness:
        """Run a balancer until the test ends."""
        portal = self._stack.enter_context(open_portal())
        seed = _seed_of(self._request, seed)
        harness = await start_in_portal(portal, config_or_backends, seed, overrides)
        # The loop is over when the fixture ends, so that this end blocks.
        self._stack.callback(lambda: conclude(portal.call(harness.stop), None))
        _tell_of(self._request, harness.report)
        return AsyncioHarness(harness, portal)
