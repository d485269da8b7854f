"""What a test may do to a server that the harness has started: to its processes themselves."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from trio_balancer.testing.events import EventKind
from trio_balancer.testing.nemesis import BackendHandle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_balancer.policy import Backend, Pool
    from trio_balancer.testing.nemesis import Surroundings
    from trio_balancer.testing.server_process import ServerProcess

_KILL = "kill (SIGKILL)"
_PAUSE = "pause (SIGSTOP)"


class ServerHandle(BackendHandle):
    """A backend that `spawn` has started: `kill`, `pause` and `flap` are real, to its processes.

    The other verbs are done to the way there, as with any backend.
    """

    def __init__(
        self,
        process: ServerProcess,
        pool: Pool,
        backend: Backend,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(pool, backend, surroundings)
        self._process = process
        # How many blocks want it dead or stopped: it heals when the last of them has ended.
        self._kills = 0
        self._pauses = 0
        self._changing = trio.Lock()

    @property
    def running(self) -> bool:
        """Whether its process is there, be it paused."""
        return self._process.running

    def output(self) -> str:
        """Return what it has printed so far, to standard output and standard error."""
        return self._process.output()

    async def restart(self) -> None:
        """Kill it, start it again on the same port, and wait until it serves."""
        async with self.kill():
            pass

    @asynccontextmanager
    async def kill(self) -> AsyncIterator[None]:
        """Kill its processes (SIGKILL); afterwards start it again, and wait until it serves.

        Raises ServerError when it does not.
        """
        self._told(EventKind.FAULT_ADDED, _KILL)
        self._kills += 1
        try:
            async with self._changing:
                await self._process.stop()
            yield
        finally:
            self._kills -= 1
            try:
                await self._settle()
            finally:
                self._told(EventKind.FAULT_REMOVED, _KILL)

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Stop its processes (SIGSTOP); afterwards let them go on (SIGCONT)."""
        self._told(EventKind.FAULT_ADDED, _PAUSE)
        self._pauses += 1
        try:
            await self._settle()
            yield
        finally:
            self._pauses -= 1
            await self._settle()
            self._told(EventKind.FAULT_REMOVED, _PAUSE)

    async def _settle(self) -> None:
        """Bring the processes into the state that the blocks around want; they heal if none."""
        with trio.CancelScope(shield=True):  # whatever is awaited has a timeout of its own
            async with self._changing:
                if self._process.closed:
                    return  # the balancer has ended before the block
                if not self._kills and not self._process.running:
                    await self._process.start()
                    self._follow()
                await self._process.signal("SIGSTOP" if self._pauses else "SIGCONT")

    def _follow(self) -> None:
        if self._process.address != self.address:
            self.retarget(self._process.address)
