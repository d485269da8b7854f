from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
from support import sample_server
from support.asyncio_site import ask, in_asyncio

from trio_balancer.policy import State
from trio_balancer.testing import AsyncioBackend, AsyncioHarness, ServerError

COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]


@in_asyncio
async def test_killed_slow_and_drained(lb: AsyncioHarness) -> None:
    first, second = lb.backends
    async with first.kill():
        await ask(lb)
        await ask(lb)
    lb.assert_distribution({0: 0, 1: 2})
    async with second.drain(), first.slow(latency=0.1):
        assert second.state is State.DRAIN
        began = time.monotonic()
        await ask(lb)
        assert time.monotonic() - began >= 0.1


@in_asyncio
async def test_paused_cut_off_and_flapping(lb: AsyncioHarness) -> None:
    for block in (lb.backend(0).pause(), lb.backend(0).partition()):
        async with lb.backend(1).drain():
            async with block:
                asking = asyncio.create_task(ask(lb))
                await lb.wait(lambda lb: lb.connections and lb.connections[-1].live)
                assert not asking.done()
            assert await asking == b"hello"
    async with lb.backend(0).flap(up=0.01, down=0.01):
        await lb.wait(lambda lb: lb.events[-1].kind == "fault added")
    assert await ask(lb) == b"hello"


def verbs(backend: AsyncioBackend) -> list[AbstractAsyncContextManager[None]]:
    return [
        backend.kill(),
        backend.pause(),
        backend.partition(),
        backend.slow(latency=1),
        backend.flap(up=1, down=1),
        backend.drain(),
    ]


async def cancel_within(block: AbstractAsyncContextManager[None], steps: int) -> None:
    """Cancel a task that holds a block for ever, so many steps of the loop after its start."""

    async def hold() -> None:
        async with block:
            await asyncio.sleep(1000)

    task = asyncio.create_task(hold())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("verb", range(6))
def test_cancelled_at_any_step_it_heals(ports: list[int], verb: int) -> None:
    @in_asyncio
    async def test(lb: AsyncioHarness) -> None:
        backend = lb.backend(0)
        for steps in range(8):
            await cancel_within(verbs(backend)[verb], steps)
            assert backend.state is State.UP
            assert backend._handle._link._conditions == []
        await ask(lb)
        lb.assert_distribution({0: 1})

    test(ports)


@in_asyncio
async def test_a_real_server_cancelled_at_any_step_runs_again(lb: AsyncioHarness) -> None:
    [server] = await lb.spawn(COMMAND)
    for steps in range(4):
        await cancel_within(server.kill(), steps)
        assert server.running
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.restart(), 0.001)
    assert server.running


@in_asyncio
async def test_the_loop_goes_on_while_it_heals(lb: AsyncioHarness) -> None:
    entered, healed = asyncio.Event(), threading.Event()
    went_on: list[bool] = []

    @asynccontextmanager
    async def slow_to_heal() -> AsyncIterator[None]:
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                went_on.append(await trio.to_thread.run_sync(healed.wait, 10))

    async def hold() -> None:
        async with lb.backend(0)._during(slow_to_heal):
            entered.set()
            await asyncio.sleep(1000)

    task = asyncio.create_task(hold())
    await entered.wait()
    task.cancel()
    asyncio.get_running_loop().call_later(0.01, healed.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert went_on == [True]


@in_asyncio
async def test_one_that_does_not_come_back_is_told(lb: AsyncioHarness) -> None:
    [server] = await lb.spawn(COMMAND)
    with pytest.raises(ServerError, match="No such file"):
        async with server.kill():
            server._server._process._command = ["/nowhere/at-all"]
    with pytest.raises(ValueError, match="above 0"):
        async with server.flap(up=0, down=1):
            pass
    with pytest.raises(TypeError, match="was not started by spawn"):
        await lb.backend(0).restart()


def test_one_who_forgets_to_leave_is_cancelled_and_nothing_is_left(ports: list[int]) -> None:
    held: list[asyncio.Task[None]] = []

    @in_asyncio
    async def test(lb: AsyncioHarness) -> None:
        [server] = await lb.spawn(COMMAND)
        killed = asyncio.Event()

        async def kill() -> None:
            async with server.kill():
                killed.set()
                await asyncio.sleep(1000)

        held.append(asyncio.create_task(kill()))
        await killed.wait()

    test(ports)
    assert held[0].cancelled()
    assert [t for t in threading.enumerate() if t.name.startswith("trio-balancer-")] == []
