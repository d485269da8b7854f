"""What a control client may follow: finished connections, and the status again and again."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.control.find import is_client, parse_client
from trio_balancer.control.json_commands import Verb, check_level, read_parameters
from trio_balancer.control.names import check_names
from trio_balancer.control.parameters import Parameter, a_duration, an_ending, text
from trio_balancer.control.sessions import ending_line
from trio_balancer.flow.record import Record
from trio_balancer.wire.address import SocketAddress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from trio_balancer.control.json_commands import Request
    from trio_balancer.control.operations import Operations

    #: Takes a line without its end.
    Send = Callable[[str], Awaitable[None]]
    Stream = Callable[[Send], Awaitable[None]]

#: Finished connections that wait for a slow reader; more are left out, and counted.
MOST_WAITING = 1000
#: Seconds between two lines of `watch`, at the least.
SHORTEST_INTERVAL = 0.1

STREAMS: Mapping[str, Verb] = {
    "tail": Verb(
        ControlLevel.OPERATOR,
        (
            *(Parameter(name, text) for name in ("listener", "pool", "backend")),
            Parameter("ending", an_ending),
            Parameter("client", text),
            Parameter("min_duration", a_duration),
        ),
    ),
    "watch": Verb(ControlLevel.USER, (Parameter("interval", a_duration),)),
}


def open_stream(operations: Operations, request: Request, level: ControlLevel) -> Stream:
    """Return what sends the lines of a stream until cancelled; raises OperationError."""
    verb = STREAMS[request.do]
    check_level(verb.level, level)
    given = read_parameters(verb.parameters, request.parameters)
    if request.do == "watch":
        return partial(watch, operations, **given)
    chosen = Filter(**given)
    check_names(operations.balancer, chosen.listener, chosen.pool, chosen.backend)
    return partial(tail, operations, chosen)


async def watch(operations: Operations, send: Send, *, interval: float = 1.0) -> None:
    """Tell the status now and every `interval` seconds."""
    while True:
        await send(json.dumps(operations.status(), separators=(",", ":")))
        await trio.sleep(max(interval, SHORTEST_INTERVAL))


async def tail(operations: Operations, chosen: Filter, send: Send) -> None:
    """Tell each finished connection that the filter lets through, as the JSON log does.

    Where the reader was too slow, a line `{"dropped": N}` says how many it has missed.
    """
    waiting = Waiting(chosen)
    runtime = operations.balancer.runtime
    runtime.observe(waiting.add)
    try:
        async for record in waiting.records:
            if waiting.dropped:
                await send(json.dumps({"dropped": waiting.take_dropped()}))
            await send(ending_line(record))
    finally:
        runtime.stop_observing(waiting.add)


class Waiting:
    """Finished connections on their way to one reader."""

    def __init__(self, chosen: Filter) -> None:
        self.dropped = 0
        self._chosen = chosen
        self._send, self.records = trio.open_memory_channel[Record](MOST_WAITING)

    def add(self, record: Record) -> None:
        """Take a finished connection in, if it is wanted and there is room."""
        if not self._chosen.lets_through(record):
            return
        try:
            self._send.send_nowait(record)
        except trio.WouldBlock:
            self.dropped += 1

    def take_dropped(self) -> int:
        """Return how many were left out since the last time."""
        count, self.dropped = self.dropped, 0
        return count


def _client(text: str | None) -> SocketAddress | None:
    return None if text is None else parse_client(text)


@attrs.frozen
class Filter:
    """Which finished connections are wanted: all to which everything that is given applies.

    `ending` is the two letters or the first of them; `client` is an address, with or without a
    port, and OperationError is raised for what is none; `min_duration` is in seconds.
    """

    listener: str | None = None
    pool: str | None = None
    backend: str | None = None
    ending: str = ""
    client: SocketAddress | None = attrs.field(default=None, converter=_client)
    min_duration: float = 0.0

    def lets_through(self, record: Record) -> bool:
        """Whether a finished connection is wanted."""
        return (
            self.listener in (None, record.listener)
            and self.pool in (None, record.pool)
            and self.backend in (None, record.backend)
            and str(record.ending).startswith(self.ending)
            and record.total_time >= self.min_duration
            and (self.client is None or is_client(record.client, self.client))
        )
