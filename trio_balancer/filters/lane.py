"""One direction through the filters, down to the one place that sends to its sink.

Three kinds of bytes meet here: those of the source, those that filters insert as replies, and
the end-of-file. `Lane` brings them into one order.
"""

from __future__ import annotations

import inspect
import math
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.filters.hold import HoldFullError
from trio_balancer.filters.interface import CHUNK, Filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.network.seam import Stream
    from trio_balancer.relay.way import Outlet

    Answer = bytes | bytearray | memoryview | Awaitable[bytes]


class Event(Enum):
    """What has come from the source."""

    DATA = "bytes"
    QUIET = "nothing, for a while"
    FINISHED = "its end-of-file"


@attrs.frozen
class News:
    """What a source has to say; `pause` is how many seconds it has been quiet."""

    event: Event = Event.DATA
    data: bytes = b""
    pause: float = 0.0


#: For replies, which wait for nothing else.
NOTHING = News()


class FilterError(Exception):
    """A filter raised, which is the `__cause__`, or returned what is no bytes."""


class OverError(Exception):
    """A filter has ended the connection; nothing may be passed on any more."""


@attrs.frozen
class Step:
    """A filter's part in one direction; None stands for a method that it does not have."""

    data: Callable[[bytes], Answer] | None
    quiet: Callable[[], Answer] | None
    finished: Callable[[], Answer] | None
    max_chunk: int = CHUNK
    quiet_after: float = math.inf


def step(used: object, side: str) -> Step:
    """Look for a filter's methods for the bytes from `side`, "client" or "backend"."""
    return Step(
        data=_method(used, f"from_{side}"),
        quiet=_method(used, f"{side}_quiet"),
        finished=_method(used, f"{side}_finished"),
        max_chunk=getattr(used, f"{side}_chunk", CHUNK),
        quiet_after=getattr(used, "quiet_after", Filter.quiet_after),
    )


def _method(used: object, name: str) -> Callable[..., Answer] | None:
    """Return a method of the filter's own; those that it has inherited do nothing."""
    method: Callable[..., Answer] | None = getattr(used, name, None)
    inherited = getattr(method, "__func__", None) is getattr(Filter, name)
    return None if inherited else method


@final
class Lane:
    """The way of all bytes that go toward one sink; both copies of a pair may use it at once.

    `buffer` is how many bytes of replies may wait. `is_over` says that no filter may see anything
    any more.
    """

    def __init__(self, buffer: int, is_over: Callable[[], bool]) -> None:
        self._buffer = buffer
        self._is_over = is_over
        self._steps: tuple[Step, ...] = ()
        self._replies: dict[int, bytearray] = {}
        # What has passed all the steps and is not sent yet; and who is busy with either.
        self._passed: deque[bytes] = deque()
        self._passing = trio.Lock()
        self._sending = trio.Lock()
        self.finished = False
        self.max_chunk = CHUNK
        #: What bytes are sent to in the sink's place, if anything.
        self.outlet: Outlet | None = None
        #: After how many seconds without a byte somebody wants to be told, in rising order.
        self.pauses: tuple[float, ...] = ()

    def use(self, steps: Sequence[Step]) -> None:
        """Lead all bytes through these steps, in their order."""
        self._steps = tuple(steps)
        self.max_chunk = max(1, min((each.max_chunk for each in steps), default=CHUNK))
        waiting = {each.quiet_after for each in steps if each.quiet is not None}
        self.pauses = tuple(sorted(waiting - {math.inf}))

    @property
    def has_replies(self) -> bool:
        """Whether replies wait to be led through the rest of the steps."""
        return bool(self._replies)

    def reply(self, position: int, data: bytes) -> bool:
        """Insert bytes before the step at `position`; False after the end-of-file."""
        if self.finished or self._is_over():
            return False
        with memoryview(data) as view:  # not of a number, which would make as many zeros
            waiting = sum(map(len, self._replies.values())) + len(view)
            if waiting > self._buffer:
                raise HoldFullError(self._buffer)
            if view:
                self._replies.setdefault(position, bytearray()).extend(view)
        return True

    async def lead(self, news: News) -> None:
        """Lead bytes, and the replies on the way, through the steps; `send` sends what comes out.

        Raises FilterError, HoldFullError or OverError.
        """
        async with self._passing:
            if self.finished:
                self._replies.clear()
                return
            data = news.data
            for position, each in enumerate(self._steps):
                data = self._with_replies(position, data)
                data = await self._through(each, news, data)
            data = self._with_replies(len(self._steps), data)
            if data:
                self._passed.append(data)
            self.finished = news.event is Event.FINISHED

    def _with_replies(self, position: int, data: bytes) -> bytes:
        replies = self._replies.pop(position, None)
        return data if replies is None else bytes(replies) + data

    async def _through(self, each: Step, news: News, data: bytes) -> bytes:
        if data and each.data is not None:
            data = await self._ask(each.data, data)
        if news.event is Event.FINISHED and each.finished is not None:
            data += await self._ask(each.finished)
        elif news.event is Event.QUIET and each.quiet is not None:
            # A filter may want to be told later than its neighbour.
            data += await self._ask(each.quiet) if each.quiet_after <= news.pause else b""
        return data

    async def _ask(self, method: Callable[..., Answer], *data: bytes) -> bytes:
        """Call a filter, and wait for it where it wants to be waited for."""
        try:
            answer = method(*data)
            if inspect.isawaitable(answer):
                answer = await answer
            result = _as_bytes(answer)
        except HoldFullError:
            raise
        except Exception as error:
            raise FilterError(f"{_name(method)} failed") from error
        if self._is_over():
            raise OverError
        return result

    async def send(self, sink: Stream) -> None:
        """Send all that has come through; raises trio.BrokenResourceError where the sink broke."""
        async with self._sending:
            await self._send_passed(self.outlet or sink)

    async def send_eof(self, sink: Stream) -> None:
        """Send all that has come through, then the end-of-file."""
        async with self._sending:
            outlet = self.outlet or sink
            await self._send_passed(outlet)
            await outlet.send_eof()

    async def _send_passed(self, sink: Outlet) -> None:
        while self._passed and not self._is_over():
            await sink.send_all(self._passed.popleft())


def _as_bytes(answer: object) -> bytes:
    if isinstance(answer, bytes):
        return answer
    if isinstance(answer, (bytearray, memoryview)):
        return bytes(answer)
    raise TypeError(f"it returned {type(answer).__name__}; bytes are expected, b'' for none")


def _name(method: Callable[..., Answer]) -> str:
    return getattr(method, "__qualname__", type(method).__name__)
