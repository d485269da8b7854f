"""`use = "bandwidth"`: so many bytes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.filters.interface import CHUNK, Filter, FilteredConnection
from trio_balancer.filters.pacing import Pacer, pacer, slice_size

if TYPE_CHECKING:
    from trio_balancer.config.model_filters import BandwidthFilterConfig


@final
@attrs.define(eq=False)
class SharedPacers:
    """What the connections of a listener share."""

    up: Pacer
    down: Pacer


def shared_pacers(config: BandwidthFilterConfig) -> SharedPacers:
    """Make what all connections of a listener go by."""
    burst = config.listener_burst
    return SharedPacers(pacer(config.listener_up, burst), pacer(config.listener_down, burst))


@final
class BandwidthFilter(Filter):
    """Lets bytes wait: first for the connection's own turn, then for that among all.

    Connections that share a rate take turns of equal slices, so they get equal shares. Who is
    closed while it waits leaves its slice unused.
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
        return await _wait(self._up, data)

    async def from_backend(self, data: bytes) -> bytes:
        """Wait until it may go."""
        return await _wait(self._down, data)


async def _wait(pacers: tuple[Pacer, Pacer], data: bytes) -> bytes:
    for each in pacers:
        seconds = each.reserve(len(data), trio.current_time())
        if seconds > 0:
            await trio.sleep(seconds)
    return data


def _chunk(own: float, shared: float) -> int:
    return min(CHUNK, slice_size(own, shared=False), slice_size(shared, shared=True))
