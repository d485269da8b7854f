from __future__ import annotations

import asyncio
import errno
import threading
from concurrent.futures import CancelledError, Future
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trio_balancer.testing import LeakError, portal
from trio_balancer.testing.portal import Portal, open_portal


def ours() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("trio-balancer-portal-")]


async def answer() -> int:
    await trio.lowlevel.checkpoint()
    return 42


async def fail() -> None:
    await trio.lowlevel.checkpoint()
    raise ZeroDivisionError("in there")


def test_calls_are_made_in_a_thread_that_ends() -> None:
    with open_portal() as door:
        [name] = ours()
        assert door.call(answer) == 42
        assert door.read(lambda: threading.current_thread().name) == name
    assert ours() == []


def test_errors_come_as_they_are() -> None:
    with open_portal() as door:
        with pytest.raises(ZeroDivisionError, match="in there"):
            door.call(fail)
        with pytest.raises(ZeroDivisionError):
            door.read(lambda: 1 // 0)
        assert door.call(answer) == 42, "and nothing else ends"


def test_what_reads_may_be_called_in_the_thread_itself() -> None:
    with open_portal() as door:
        assert door.read(lambda: door.read(lambda: 1)) == 1


def test_a_cancelled_call_is_cancelled_over_there() -> None:
    seen: Future[str] = Future()

    async def wait() -> None:
        started.set()
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            seen.set_result("cancelled")
            raise

    with open_portal() as door:
        started = threading.Event()
        future = door.submit(wait)
        assert started.wait(10)
        assert future.cancel()
        assert seen.result(10) == "cancelled"
        with pytest.raises(CancelledError):
            future.result()


def test_cancelled_too_late_nobody_hears_of_the_rest() -> None:
    async def end_anyway(failing: bool) -> None:  # noqa: FBT001 - a partial's
        started.set()
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(cancelled.wait)
        if failing:
            raise ZeroDivisionError

    with open_portal() as door:
        for failing in (False, True):
            started, cancelled = threading.Event(), threading.Event()
            future = door.submit(partial(end_anyway, failing))
            assert started.wait(10)
            assert future.cancel()
            cancelled.set()
        assert door.call(answer) == 42


def test_an_asyncio_task_can_wait_and_be_cancelled() -> None:
    async def main(door: Portal) -> int:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(door.submit(trio.sleep_forever)), 0.01)
        return await asyncio.wrap_future(door.submit(answer))

    with open_portal() as door:
        assert asyncio.run(main(door)) == 42


def test_an_interrupt_while_it_waits_cancels_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Future.exception

    def interrupted(future: Future[None], timeout: float | None = None) -> None:
        monkeypatch.setattr(Future, "exception", real)
        raise KeyboardInterrupt

    with open_portal() as door:
        monkeypatch.setattr(Future, "exception", interrupted)
        with pytest.raises(KeyboardInterrupt):
            door.call(trio.sleep_forever)
        assert door.call(answer) == 42


def test_stopping_cancels_what_is_left() -> None:
    with open_portal() as door:
        left = door.submit(trio.sleep_forever)
    assert left.cancelled()


def test_nobody_waits_for_ever_for_a_portal_that_stops() -> None:
    async def wait() -> None:
        waiting.set()
        await trio.sleep_forever()

    def call() -> None:
        with pytest.raises(CancelledError):
            door.call(wait)
        told.set()

    waiting, told = threading.Event(), threading.Event()
    with open_portal() as door:
        threading.Thread(target=call, daemon=True).start()
        assert waiting.wait(10)
    assert told.wait(10)


def test_what_comes_while_it_stops_is_cancelled() -> None:
    async def stop_and_submit() -> Future[int]:
        door._nursery_cancel()
        late = door.submit(answer)
        with trio.CancelScope(shield=True):
            await wait_all_tasks_blocked()
        return late

    door = Portal()
    door.start()
    with pytest.raises(CancelledError):
        door.call(stop_and_submit).result()
    door._thread.join(10)
    assert ours() == []


def test_what_comes_after_the_end_is_refused() -> None:
    with open_portal() as door:
        pass
    with pytest.raises(trio.RunFinishedError, match="balancer has been stopped"):
        door.call(answer)


def test_a_test_can_be_skipped_from_within() -> None:
    async def skip() -> None:
        await trio.lowlevel.checkpoint()
        pytest.skip("not here")

    with open_portal() as door:
        with pytest.raises(pytest.skip.Exception):
            door.call(skip)
        assert door.call(answer) == 42


def test_a_trio_that_cannot_run_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_main: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(trio, "run", run)
    with pytest.raises(OSError, match="Too many"), open_portal():
        pass
    assert ours() == []


def test_a_bug_in_trio_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def break_it() -> None:
        raise ZeroDivisionError

    door = Portal()
    door.start()
    door._token.run_sync_soon(break_it)
    door._thread.join(10)
    assert [each.exc_type for each in seen] == [trio.TrioInternalError]


def test_a_thread_that_does_not_end_is_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "PATIENCE", 0.01)
    stuck, entered = threading.Event(), threading.Event()

    async def block() -> None:
        await trio.lowlevel.checkpoint()
        entered.set()
        stuck.wait()

    door = Portal()
    door.start()
    door.submit(block)
    assert entered.wait(10)
    with pytest.raises(LeakError, match="trio-balancer-portal-"):
        door.stop()
    stuck.set()
    monkeypatch.undo()
    door.stop()
