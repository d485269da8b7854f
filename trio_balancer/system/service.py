"""Tells the service manager how the balancer is, from its first client to its last.

Source: sd_notify(3) and "Type=notify-reload" in systemd.service(5).
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.balancer import Balancer
from trio_balancer.control.phase import Phase
from trio_balancer.policy import State
from trio_balancer.system.notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS_INTERVAL = 5.0  # seconds between looks at what to tell people
# Phases that wait to be told; they pile up only while the manager takes no message.
_MOST_PHASES = 100
# What is left to do after the last connection has ended, in seconds.
_LAST_WORDS = 10.0
_MICROSECONDS = 1_000_000


@attrs.define(eq=False)
class Service:
    """A running balancer, seen by the service manager."""

    balancer: Balancer
    notifier: Notifier

    async def run(self) -> None:
        """Say that it serves, then all that changes, until cancelled."""
        told, phases = trio.open_memory_channel[Phase](_MOST_PHASES)

        def follow(phase: Phase) -> None:
            with suppress(trio.WouldBlock):
                told.send_nowait(phase)

        follow(Phase.SERVING if self.balancer.ready else Phase.STOPPING)
        self.balancer.followers.append(follow)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell_phases, phases)
            nursery.start_soon(self._keep_status)
            if self.notifier.watchdog is not None:
                nursery.start_soon(self._feed_watchdog, self.notifier.watchdog)

    async def _tell_phases(self, phases: trio.MemoryReceiveChannel[Phase]) -> None:
        async for phase in phases:
            await self.notifier.tell(**self._message(phase))

    def _message(self, phase: Phase) -> dict[str, str | int]:
        if phase is Phase.RELOADING:
            # The manager takes only one that is later than its own signal.
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            return {"RELOADING": 1, "MONOTONIC_USEC": now, "STATUS": "Reloading"}
        if phase is Phase.STOPPING:
            return {"STOPPING": 1, "STATUS": self._status(), **self._more_time()}
        return {"READY": 1, "STATUS": self._status()}

    def _more_time(self) -> dict[str, int]:
        """Ask not to be killed while connections finish, whatever the unit's TimeoutStopSec is."""
        config = self.balancer.config.balancer
        patience = config.pre_stop_delay + config.drain_timeout + _LAST_WORDS
        if math.isinf(patience):
            return {}
        return {"EXTEND_TIMEOUT_USEC": round(patience * _MICROSECONDS)}

    async def _keep_status(self) -> None:
        before = ""
        while True:
            status = self._status()
            if status != before:
                await self.notifier.tell(STATUS=status)
                before = status
            await trio.sleep(STATUS_INTERVAL)

    def _status(self) -> str:
        return ", ".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        verb = "Serving" if self.balancer.ready else "Draining"
        yield f"{verb} {len(self.balancer.runtime.connections)} connections"
        backends = [each for pool in self.balancer.runtime.pools.values() for each in pool.backends]
        up = sum(backend.state is State.UP for backend in backends)
        yield f"{up} of {len(backends)} backends up"
        if self.balancer.reloads.last_error is not None:
            yield "the last reload has failed and changed nothing"

    async def _feed_watchdog(self, within: float) -> None:
        # A loop that is stuck sends nothing: that is all the watchdog wants to know.
        while True:
            await self.notifier.tell(WATCHDOG=1)
            await trio.sleep(within / 2)
