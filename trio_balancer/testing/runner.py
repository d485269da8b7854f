"""Runs a balancer beside a test: started and stopped by calls, not by a nursery around the test.

A nursery would wrap whatever the test raises in a group. A system task has no such block, and a
KeyboardInterrupt never hits it, but always the test.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, cast, final

import trio
from trio.testing import MockClock

from trio_balancer.serve import serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.balancer import Balancer
    from trio_balancer.config.model import Config
    from trio_balancer.faults import FaultBook
    from trio_balancer.flow.live import Runtime
    from trio_balancer.testing.observer import Observer
    from trio_balancer.testing.watched_network import WatchedNetwork
    from trio_balancer.wire.address import SocketAddress

#: Seconds in which a cancelled balancer must have ended.
PATIENCE = 10.0


@final
class Runner:
    """One balancer, and a nursery for what belongs to it; `task_status` of its `serve`."""

    def __init__(
        self, config: Config, network: WatchedNetwork, observer: Observer, seed: int
    ) -> None:
        self._config = config
        self._network = network
        self._observer = observer
        self._seed = seed
        self._scope = trio.CancelScope()
        self._settled = trio.Event()
        self.ended = trio.Event()
        #: What ended it, where that was neither a drain nor `stop`.
        self.failure: Exception | None = None
        # Those that `started` gives their values.
        self.balancer: Balancer
        self.runtime: Runtime
        self.faults: FaultBook
        #: Where it listened in the beginning, by listener.
        self.bound: Mapping[str, tuple[SocketAddress, ...]]
        self.nursery: trio.Nursery

    async def start(self) -> None:
        """Return when the balancer serves; raises what kept it from that."""
        trio.lowlevel.spawn_system_task(self._run, name="trio-balancer under test")
        try:
            await self._settled.wait()
        except BaseException:
            await self.stop()
            raise
        if self.failure is not None:
            raise self.failure

    def started(self, balancer: Balancer) -> None:
        """Hear from `serve` that it serves, before it accepts anybody."""
        self.balancer = balancer
        self.runtime = self._observer.watch(balancer)
        # `_serve` wants them.
        self.faults = cast("FaultBook", balancer.faults)
        self._observer.watch_faults(self.faults)
        self.bound = balancer.addresses
        self._settled.set()

    async def stop(self) -> bool:
        """Cancel it; say whether it has ended, which may take `PATIENCE` seconds."""
        self._scope.cancel()
        with trio.move_on_after(PATIENCE, shield=True):
            await self.ended.wait()
        return self.ended.is_set()

    async def _run(self) -> None:
        try:
            with self._scope:
                async with trio.open_nursery() as self.nursery:
                    await self._serve()
                    self.nursery.cancel_scope.cancel()
        except* Exception as failures:  # noqa: BLE001  # told when the test has ended
            self.failure = _bare(failures)
        finally:
            self._settled.set()
            self.ended.set()
            self._observer.timeline.stir()

    async def _serve(self) -> None:
        virtual = isinstance(trio.lowlevel.current_clock(), MockClock)
        await serve(
            self._config,
            network=self._network,
            wall_clock=trio.current_time if virtual else time.time,
            rng=random.Random(self._seed),
            log_sink=self._observer,
            on_record=self._observer.ended,
            faults=True,
            stay=True,
            # Its `started` is always given the value.
            task_status=cast("trio.TaskStatus[Balancer]", self),
        )


def _bare(error: Exception) -> Exception:
    """Take a lone exception out of the groups around it."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        [error] = error.exceptions
    return error
