"""Which loop a test runs in, if any: what pytest's other plugins have made of it."""

from __future__ import annotations

from enum import Enum
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, NoReturn

import pytest
from trio.abc import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

# pytest-trio's fixtures; they may not have been set up yet.
_CLOCKS = {"mock_clock", "autojump_clock"}


class Flavour(Enum):
    """In which world a test lives, and so its balancer's calls."""

    TRIO = "trio"
    ASYNCIO = "asyncio"
    SYNC = "sync"


def flavour_of(request: pytest.FixtureRequest) -> Flavour:
    """Look at the test that asks for a fixture.

    Fails it when it wants a MockClock that its balancer, in a thread, would know nothing of.
    """
    flavour = _look_at(request)
    clocks = list(_clocks(request))
    if clocks and flavour is not Flavour.TRIO:
        refuse(flavour, clocks[0])
    return flavour


def refuse(flavour: Flavour, fixture: str) -> NoReturn:
    """Fail a test that is no trio test and has asked for a fixture of trio tests."""
    pytest.fail(
        f"the fixture {fixture!r} is for trio tests: the balancer of this {flavour.value} test "
        "runs in a thread of its own, with real sockets in real time",
        pytrace=False,
    )


def _look_at(request: pytest.FixtureRequest) -> Flavour:
    claims = set(_claims(request))
    if len(claims) > 1:
        pytest.fail(
            "both a plugin for trio and one for asyncio would run this test: pytest-asyncio's auto "
            "mode goes with asyncio tests only, pytest-trio's trio_mode with trio tests only",
            pytrace=False,
        )
    return claims.pop() if claims else Flavour.ASYNCIO


def _claims(request: pytest.FixtureRequest) -> Iterator[Flavour]:
    item = request.node
    trio = item.get_closest_marker("trio") is not None
    if trio:
        yield Flavour.TRIO
    # pytest-trio puts a plain function in its place, which is what a second run finds.
    elif not iscoroutinefunction(_innermost(item)):
        yield Flavour.SYNC
        return
    if item.get_closest_marker("asyncio") is not None:
        yield Flavour.ASYNCIO
    if "anyio_backend" in request.fixturenames:
        yield Flavour(request.getfixturevalue("anyio_backend_name"))


def _innermost(item: pytest.Item) -> object:
    """Return the test function itself, also where hypothesis has wrapped it."""
    function = getattr(item, "obj", None)
    return getattr(getattr(function, "hypothesis", None), "inner_test", function)


def _clocks(request: pytest.FixtureRequest) -> Iterator[str]:
    values = getattr(request.node, "funcargs", {})
    for name in request.fixturenames:
        if name in _CLOCKS or isinstance(values.get(name), Clock):
            yield name
