"""What is promised of bytes holds over every relay, so those tests run over each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.relays import RELAYS, over

from trio_balancer.network.poller import HAVE_EPOLL

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat the tests of `test_bytes_….py`."""
    if metafunc.module.__name__.rpartition(".")[2].startswith("test_bytes_"):
        metafunc.fixturenames.append("over_relay")
        metafunc.parametrize("over_relay", RELAYS, indirect=True)


@pytest.fixture
def over_relay(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have every balancer of the test use one relay."""
    name: str = request.param
    if name != "portable" and not HAVE_EPOLL:
        pytest.skip("this system has no epoll")
    with over(name):
        yield name
