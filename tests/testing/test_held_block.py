from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from threading import Event

import pytest
import trio

from trio_balancer.testing.held_block import HeldBlock
from trio_balancer.testing.portal import Portal, open_portal

Steps = list[str]


@pytest.fixture
def portal() -> Iterator[Portal]:
    with open_portal() as portal:
        yield portal


@asynccontextmanager
async def block(steps: Steps) -> AsyncIterator[None]:
    # Trio checks that a cancel scope is left by the task that has entered it.
    with trio.CancelScope():
        steps.append("entered")
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
            steps.append("left")


def test_entered_and_left_by_one_task(portal: Portal) -> None:
    steps: Steps = []
    held = HeldBlock(portal, block(steps))
    held.entered.result(10)
    assert steps == ["entered"]
    assert not held.left.done()
    held.leave()
    held.left.result(10)
    assert steps == ["entered", "left"]


async def fail() -> None:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError


@asynccontextmanager
async def fails_to_enter() -> AsyncIterator[None]:
    await fail()
    yield


@asynccontextmanager
async def fails_to_leave() -> AsyncIterator[None]:
    yield
    await fail()


@pytest.mark.parametrize(
    ("make", "failing"), [(fails_to_enter, "entered"), (fails_to_leave, "left")]
)
def test_each_step_has_its_own_error(
    portal: Portal, make: Callable[[], AbstractAsyncContextManager[None]], failing: str
) -> None:
    held = HeldBlock(portal, make())
    results: dict[str, Future[None]] = {"entered": held.entered, "left": held.left}
    failure = results.pop(failing)
    held.leave()
    with pytest.raises(ZeroDivisionError):
        failure.result(10)
    [other] = results.values()
    other.result(10)


def test_told_to_leave_while_it_enters(portal: Portal) -> None:
    steps: Steps = []
    door = Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        await trio.to_thread.run_sync(door.wait)
        async with block(steps):
            yield

    held = HeldBlock(portal, slow())
    held.leave()
    door.set()
    held.left.result(10)
    assert steps == ["entered", "left"]


def test_it_ends_with_the_portal() -> None:
    steps: Steps = []
    with open_portal() as portal:
        held = HeldBlock(portal, block(steps))
        held.entered.result(10)
        unentered = HeldBlock(portal, never())
    assert steps == ["entered", "left"]
    held.left.result(10)
    held.leave()
    with pytest.raises(CancelledError):
        unentered.entered.result(10)
    unentered.left.result(10)


@asynccontextmanager
async def never() -> AsyncIterator[None]:
    await trio.Event().wait()
    yield
