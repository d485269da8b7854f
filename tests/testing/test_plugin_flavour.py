from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import attrs
import pytest
from trio.testing import MockClock

from trio_balancer.testing.plugin_flavour import Flavour, flavour_of


async def async_test() -> None:
    pass


def sync_test() -> None:
    pass


@attrs.define
class Item:
    obj: object
    marks: set[str] = attrs.field(factory=set)
    funcargs: dict[str, object] = attrs.field(factory=dict)

    def get_closest_marker(self, name: str) -> str | None:
        return name if name in self.marks else None


@attrs.define
class Request:
    node: Item
    fixturenames: list[str] = attrs.field(factory=list)
    backend: str = "asyncio"

    def getfixturevalue(self, name: str) -> str:
        assert name == "anyio_backend_name"
        return self.backend


def flavour(
    test: object, *marks: str, fixtures: tuple[str, ...] = (), backend: str = "", **values: object
) -> Flavour:
    request = Request(Item(test, set(marks), values), [*fixtures, *values], backend)
    return flavour_of(cast("pytest.FixtureRequest", request))


def test_what_is_not_async_is_sync_whatever_its_marks() -> None:
    assert flavour(sync_test) is Flavour.SYNC
    assert flavour(sync_test, "asyncio") is Flavour.SYNC


def test_async_tests() -> None:
    assert flavour(async_test, "trio") is Flavour.TRIO
    assert flavour(async_test, "asyncio") is Flavour.ASYNCIO
    assert flavour(async_test) is Flavour.ASYNCIO
    assert flavour(async_test, fixtures=("anyio_backend",), backend="trio") is Flavour.TRIO
    assert flavour(async_test, fixtures=("anyio_backend",), backend="asyncio") is Flavour.ASYNCIO


def test_a_trio_test_that_runs_again_is_one_still() -> None:
    """pytest-trio leaves a plain function in its place."""
    assert flavour(sync_test, "trio") is Flavour.TRIO


@pytest.mark.parametrize(
    "ask",
    [
        lambda: flavour(async_test, "trio", "asyncio"),
        lambda: flavour(async_test, "asyncio", fixtures=("anyio_backend",), backend="trio"),
        lambda: flavour(async_test, "trio", fixtures=("anyio_backend",), backend="asyncio"),
    ],
)
def test_two_plugins_that_claim_a_test_are_named(ask: Callable[[], Flavour]) -> None:
    with pytest.raises(pytest.fail.Exception, match="auto mode"):
        ask()


def test_two_plugins_for_the_same_world_are_no_problem() -> None:
    both = flavour(async_test, "asyncio", fixtures=("anyio_backend",), backend="asyncio")
    assert both is Flavour.ASYNCIO


def test_a_test_of_hypothesis_is_what_is_inside() -> None:
    wrapped = SimpleNamespace(hypothesis=SimpleNamespace(inner_test=async_test))
    assert flavour(wrapped, "trio") is Flavour.TRIO


@pytest.mark.parametrize(
    "ask",
    [
        lambda: flavour(sync_test, fixtures=("mock_clock",)),
        lambda: flavour(async_test, fixtures=("autojump_clock",)),
        lambda: flavour(sync_test, my_clock=MockClock()),
    ],
)
def test_a_mock_clock_is_for_trio_tests(ask: Callable[[], Flavour]) -> None:
    with pytest.raises(pytest.fail.Exception, match="is for trio tests"):
        ask()


def test_a_trio_test_may_have_one() -> None:
    assert flavour(async_test, "trio", my_clock=MockClock()) is Flavour.TRIO
