"""`use = "bandwidth"`: so many bytes a second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.filters.interface import CHUNK, Filter, FilteredConnection
from trio_balancer.filters.pacing import Pacer, pacer, slice_size

if TYPE_CHECKING:
    from trio_balancer.config.model_filters import BandwidthFilterConfig


@final
@attrs.define(eq=False)
class Line:
    """Those who wait for a rate that they share; only the first one has a slice reserved.

    Else the slices of connections that are closed while they wait would keep the others waiting:
    for ever, if somebody opens connections and resets them fast enough.
    """

    pacer: Pacer
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def wait(self, count: int) -> None:
        """Wait in line until so many bytes may go."""
        if self.pacer.rate == math.inf:
            return
        asked_at = trio.current_time()  # so that no time is lost between one and the next
        async with self._turn:
            try:
                await _wait(self.pacer, count, asked_at)
            except trio.Cancelled:
                self.pacer.give_back(count)
                raise


@final
@attrs.define(eq=False)
class SharedPacers:
    """What the connections of a listener share."""

    up: Line
    down: Line


def shared_pacers(config: BandwidthFilterConfig) -> SharedPacers:
    """Make what all connections of a listener go by."""
    burst = config.listener_burst
    return SharedPacers(
        Line(pacer(config.listener_up, burst)), Line(pacer(config.listener_down, burst))
    )


@final
class BandwidthFilter(Filter):
    """Lets bytes wait: first for the connection's own turn, then for that among all.

    Connections that share a rate take turns of equal slices, so they get equal shares.
    """

    def __init__(
        self,
        connection: FilteredConnection,
        *,
        config: BandwidthFilterConfig,
        shared: SharedPacers,
    ) -> None:
        super().__init__(connection)
        self._up = (pacer(config.up, config.burst), shared.up)
        self._down = (pacer(config.down, config.burst), shared.down)
        self.client_chunk = _chunk(config.up, config.listener_up)
        self.backend_chunk = _chunk(config.down, config.listener_down)

    async def from_client(self, data: bytes) -> bytes:
        """Wait until it may go."""
        return await _wait_twice(self._up, data)

    async def from_backend(self, data: bytes) -> bytes:
        """Wait until it may go."""
        return await _wait_twice(self._down, data)


async def _wait_twice(rates: tuple[Pacer, Line], data: bytes) -> bytes:
    own, shared = rates
    await _wait(own, len(data), trio.current_time())
    await shared.wait(len(data))
    return data


async def _wait(own: Pacer, count: int, asked_at: float) -> None:
    seconds = own.reserve(count, asked_at)
    if seconds > 0:
        await trio.sleep_until(asked_at + seconds)


def _chunk(own: float, shared: float) -> int:
    return min(CHUNK, slice_size(own, shared=False), slice_size(shared, shared=True))
