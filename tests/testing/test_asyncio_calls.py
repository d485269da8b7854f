from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

import pytest
import trio

from trio_balancer.testing.asyncio_calls import call, see_through
from trio_balancer.testing.portal import Portal, open_portal

Main = Callable[[Portal], Coroutine[Any, Any, None]]


def in_asyncio(main: Main) -> Callable[[], None]:
    """Make a plain test of an asyncio one: pytest-trio would take it for its own."""

    def run() -> None:
        with open_portal() as portal:
            asyncio.run(main(portal))

    return run


async def fail() -> None:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError


@in_asyncio
async def test_the_result_or_the_error_comes_back(portal: Portal) -> None:
    async def answer() -> int:
        await trio.lowlevel.checkpoint()
        return 42

    assert await call(portal, answer) == 42
    with pytest.raises(ZeroDivisionError):
        await call(portal, fail)


@in_asyncio
async def test_the_loop_goes_on_meanwhile(portal: Portal) -> None:
    heard = asyncio.Event()

    async def wait() -> None:
        await trio.lowlevel.checkpoint()
        loop.call_soon_threadsafe(heard.set)
        await trio.sleep_forever()

    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(call(portal, wait))
    await heard.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@in_asyncio
async def test_cancelled_it_has_ended_over_there(portal: Portal) -> None:
    steps: list[str] = []

    async def heal_slowly() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(lambda: None)
            steps.append("healed")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call(portal, heal_slowly), 0.01)
    assert steps == ["healed"]


@in_asyncio
async def test_seen_through_however_often_it_is_cancelled(portal: Portal) -> None:
    future: Future[int] = Future()
    waiting = asyncio.create_task(see_through(future))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    future.set_result(1)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await see_through(future) == 1


@in_asyncio
async def test_an_error_is_the_cause_of_the_cancellation_that_came_first(portal: Portal) -> None:
    future: Future[None] = Future()
    waiting = asyncio.create_task(see_through(future))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    future.set_exception(ZeroDivisionError())
    with pytest.raises(asyncio.CancelledError) as caught:
        await waiting
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        await see_through(future)
