"""What is promised of bytes holds over every relay, so those tests run over each.

Where there is little time (`support.scale`), a heavy scenario runs over one relay, which its name
decides; the other tests, which are most, still run over all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from support.relays import RELAYS, over
from support.scale import LONG

from trio_balancer.network.poller import HAVE_EPOLL

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat the tests of `test_bytes_….py`."""
    if metafunc.module.__name__.rpartition(".")[2].startswith("test_bytes_"):
        metafunc.fixturenames.append("over_relay")
        metafunc.parametrize("over_relay", RELAYS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what there is no time for; pytest says how many that are."""
    if LONG:
        return
    left_out = [item for item in items if _is_for_the_long_run(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_for_the_long_run(item: pytest.Item) -> bool:
    """Whether this is a heavy scenario over another relay than its own."""
    relay = _relay_of(item)
    if relay is None or item.get_closest_marker("heavy") is None:
        return False
    # By name and not by number, so that it is the same one whichever tests are asked for.
    scenario = item.name.replace(relay, "", 1)
    return relay != list(RELAYS)[crc32(scenario.encode()) % len(RELAYS)]


def _relay_of(item: pytest.Item) -> str | None:
    """Return the relay that a test runs over; None where it is not one of those that do."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    name = item.callspec.params.get("over_relay")
    return name if isinstance(name, str) else None


@pytest.fixture
def over_relay(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have every balancer of the test use one relay."""
    name: str = request.param
    if name != "portable" and not HAVE_EPOLL:
        pytest.skip("this system has no epoll")
    with over(name):
        yield name
