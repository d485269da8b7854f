"""The filters of one connection, one around the other like the skins of an onion.

The first one in the file is the outermost: it sees the client's bytes first, and the backend's
last. A reply goes from the filter that makes it outward or inward, through the others there.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, final

import trio

from trio_balancer.filters.copy import filtered_copy
from trio_balancer.filters.hold import HoldFullError
from trio_balancer.filters.interface import FilteredConnection
from trio_balancer.filters.lane import FilterError, Lane, OverError, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.filters.interface import ConnectionInfo
    from trio_balancer.filters.surroundings import End, Warn
    from trio_balancer.relay.way import Outcome, Outlet, Pair, Way

Maker = Callable[[FilteredConnection], object]

# A traceback can be as long as a program pleases; its end is what matters.
_LONGEST_TRACE = 8000


@final
class FilterChain:
    """Makes the filters of a connection, copies its bytes through them, and closes them.

    `end` must cancel whoever runs `copy`. `failed` is called for each failure of a filter, and
    `closed` once.
    """

    def __init__(
        self,
        info: ConnectionInfo,
        *,
        buffer: int,
        end: End,
        warn: Warn,
        failed: Callable[[], None],
        closed: Callable[[], None],
    ) -> None:
        self._info = info
        self._buffer = buffer
        self._end = end
        self._warn = warn
        self._failed = failed
        self._closed = closed
        self._up = Lane(buffer, self._is_over)
        self._down = Lane(buffer, self._is_over)
        self._filters: list[tuple[FilteredConnection, object]] = []
        self._pair: Pair | None = None
        self._over = False
        self._is_closed = False

    def make(self, makers: Sequence[Maker]) -> None:
        """Make the filters; where one cannot be made, the connection ends."""
        for index, maker in enumerate(makers):
            connection = self._connection(index, len(makers))
            try:
                self._filters.append((connection, maker(connection)))
            except HoldFullError as error:
                self._end_once(str(error))
            except Exception as error:  # noqa: BLE001 - whatever a filter raises stays in here
                self._fail(error)
            if self._over:
                return
        used = [each for _, each in self._filters]
        self._up.use([step(each, "client") for each in used])
        self._down.use([step(each, "backend") for each in reversed(used)])

    def _connection(self, index: int, count: int) -> FilteredConnection:
        return FilteredConnection(
            self._info,
            self._buffer,
            to_client=lambda data: self._down.reply(count - index, data),
            to_backend=lambda data: self._up.reply(index + 1, data),
            end=self._end_once,
        )

    def lead_into(self, up: Outlet, down: Outlet) -> None:
        """Send what comes out of the filters there, instead of to the backend and the client."""
        self._up.outlet, self._down.outlet = up, down

    async def copy(self, way: Way, prefix: bytes = b"") -> Outcome:
        """Copy one way of the connection's pair; see `relay.copy`.

        Where a filter ends the connection, or fails, this waits to be cancelled.
        """
        self._pair = way.pair
        lanes = (self._up, self._down) if way is way.pair.up else (self._down, self._up)
        try:
            if not self._over:
                return await filtered_copy(way, *lanes, prefix)
        except FilterError as error:
            self._fail(error.__cause__ or error)
        except HoldFullError as error:
            self._end_once(str(error))
        except OverError:
            pass  # `end` was called already
        return await trio.sleep_forever()

    def close(self) -> None:
        """Tell the filters that the connection is over; idempotent, and never raises."""
        if self._is_closed:
            return
        self._is_closed = self._over = True
        for connection, used in self._filters:
            connection.reset_by = self._reset_by()
            self._close(used)
        self._closed()

    def _close(self, used: object) -> None:
        try:
            answer = used.closed() if hasattr(used, "closed") else None
            if inspect.iscoroutine(answer):
                answer.close()
                raise TypeError("`closed` must be no coroutine: nobody can wait for it")  # noqa: TRY301 - reported as any failure
        except Exception as error:  # noqa: BLE001 - whatever a filter raises stays in here
            self._report(error, "A filter failed when its connection was over")

    def _reset_by(self) -> str:
        broken = None if self._pair is None else self._pair.broken
        if self._pair is None or broken is None:
            return ""
        return "client" if broken is self._pair.client else "backend"

    def _is_over(self) -> bool:
        return self._over

    def _end_once(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self._end(reason, bug=False)

    def _fail(self, error: BaseException) -> None:
        self._report(error, "A filter failed, which ended its connection")
        if not self._over:
            self._over = True
            self._end(f"a filter failed: {type(error).__name__}", bug=True)

    def _report(self, error: BaseException, message: str) -> None:
        self._failed()
        trace = "".join(traceback.format_exception(error))
        self._warn(
            f"filter {self._info.listener}",
            message,
            listener=self._info.listener,
            connection=self._info.number,
            trace=trace[-_LONGEST_TRACE:],
        )
