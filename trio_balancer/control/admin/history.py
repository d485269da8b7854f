"""The last minutes as samples of a few numbers, so that plots are full as soon as they are seen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

from trio_balancer.balancer import Balancer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.control.status import Json

#: Samples that are kept: ten minutes of one a second, more where nobody looks.
MOST_SAMPLES = 600


@attrs.frozen
class Sample:
    """One moment: `at` is Unix seconds, the counters only ever grow.

    Bytes are those of live connections too. `connect_p50` and `connect_p99` are those of the
    slowest pool, in seconds, None before its first connection.
    """

    at: float
    active: int
    accepted: int
    bytes_up: int
    bytes_down: int
    connect_p50: float | None
    connect_p99: float | None


@attrs.define(eq=False)
class History:
    """The latest samples of one balancer."""

    balancer: Balancer
    _samples: deque[Sample] = attrs.Factory(lambda: deque(maxlen=MOST_SAMPLES))

    def take(self) -> Json:
        """Take a sample, keep it and return it."""
        sample = _sample(self.balancer)
        self._samples.append(sample)
        return attrs.asdict(sample)

    def samples(self) -> list[Json]:
        """Return what is kept, oldest first."""
        return [attrs.asdict(sample) for sample in self._samples]


def _sample(balancer: Balancer) -> Sample:
    runtime = balancer.runtime
    statistics = balancer.statistics()
    traffic = statistics.pool_traffic.values()
    up, down = _live_bytes(balancer)
    return Sample(
        at=round(runtime.wall_clock(), 3),
        active=statistics.active,
        accepted=statistics.traffic.accepted,
        bytes_up=statistics.traffic.bytes_up + up,
        bytes_down=statistics.traffic.bytes_down + down,
        connect_p50=_slowest(pool.whole.connect_p50 for pool in traffic),
        connect_p99=_slowest(pool.whole.connect_p99 for pool in traffic),
    )


def _live_bytes(balancer: Balancer) -> tuple[int, int]:
    """Count what live connections have moved: the totals count them when they have ended."""
    up = down = 0
    for connection in balancer.runtime.connections.values():
        down += connection.client.sent
        if connection.backend is not None:
            up += connection.backend.sent
    return up, down


def _slowest(times: Iterable[float | None]) -> float | None:
    return max((time for time in times if time is not None), default=None)
