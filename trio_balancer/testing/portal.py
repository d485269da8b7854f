"""trio in a thread of its own, and calls into it from any other thread."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, TypeVar, final

import trio

from trio_balancer.testing.leaks import LeakError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

#: Seconds in which the thread must have ended.
PATIENCE = 15.0
_numbers = count(1)


@final
class Portal:
    """A thread that runs trio from `start` to `stop`; every other method may be called meanwhile.

    trio's own `from_thread` blocks its caller, which an asyncio loop must not do.
    """

    def __init__(self) -> None:
        # A daemon only so that a test process which forgets `stop` can end.
        name = f"trio-balancer-portal-{next(_numbers)}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._running: Future[None] = Future()
        self._token: trio.lowlevel.TrioToken
        self._nursery: trio.Nursery

    def start(self) -> None:
        """Start the thread; returns when calls can be made, raises what keeps trio from running."""
        self._thread.start()
        self._running.result()

    def stop(self) -> None:
        """Cancel all calls and end the thread; raises LeakError when it does not end."""
        self._token.run_sync_soon(self._nursery_cancel)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise LeakError(f"thread {self._thread.name} runs, although it was told to end")

    def _run(self) -> None:
        try:
            trio.run(self._main)
        except Exception as error:
            if self._running.done():
                raise
            self._running.set_exception(error)  # no descriptor is left, say

    async def _main(self) -> None:
        async with trio.open_nursery() as self._nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._running.set_result(None)
            await trio.sleep_forever()

    def _nursery_cancel(self) -> None:
        self._nursery.cancel_scope.cancel()

    def submit(self, function: Callable[[], Awaitable[T]]) -> Future[T]:
        """Call an async function in trio, in a task of its own; cancelling the future cancels it.

        `asyncio.wrap_future` makes the result awaitable. The future is cancelled when the portal
        stops first. Raises trio.RunFinishedError when it has stopped before.
        """
        future: Future[T] = Future()
        try:
            self._token.run_sync_soon(self._begin, future, function)
        except trio.RunFinishedError:
            raise trio.RunFinishedError("this balancer has been stopped") from None
        return future

    def _begin(self, future: Future[T], function: Callable[[], Awaitable[T]]) -> None:
        if self._nursery.cancel_scope.cancel_called:
            future.cancel()
        else:
            self._nursery.start_soon(self._call, future, function)

    async def _call(self, future: Future[T], function: Callable[[], Awaitable[T]]) -> None:
        __tracebackhide__ = True
        scope = trio.CancelScope()
        # Called by whoever cancels the future, in his thread, or in the end by us.
        future.add_done_callback(lambda _: self._token.run_sync_soon(scope.cancel))
        try:
            with scope:
                result = await function()
                if future.set_running_or_notify_cancel():
                    future.set_result(result)
        except trio.Cancelled:
            raise
        except BaseException as error:  # noqa: BLE001  # for the caller, pytest's `fail` and `skip` too
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
        finally:
            future.cancel()  # unless it is done: we are being stopped, and nobody may wait for ever

    def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Call an async function in trio and wait, blocking this thread; not from within trio.

        Raises what the function raises, and concurrent.futures.CancelledError when the portal
        stops first.
        """
        __tracebackhide__ = True  # what pytest shows of a failure is the test's own line
        future = self.submit(function)
        try:
            error = future.exception()
        except BaseException:
            future.cancel()  # a KeyboardInterrupt while it waited; else it is over anyway
            raise
        if error is not None:
            raise error
        return future.result()

    def read(self, function: Callable[[], T]) -> T:
        """Call a function in trio that does not wait, from any thread, trio's included."""
        __tracebackhide__ = True
        if threading.current_thread() is self._thread:
            return function()

        async def call() -> T:
            __tracebackhide__ = True
            return function()

        return self.call(call)


@contextmanager
def open_portal() -> Iterator[Portal]:
    """Run a portal meanwhile."""
    portal = Portal()
    portal.start()
    try:
        yield portal
    finally:
        portal.stop()
