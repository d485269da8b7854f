"""What an asyncio test may do to a backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, final

from trio_balancer.testing.asyncio_calls import see_through
from trio_balancer.testing.held_block import HeldBlock
from trio_balancer.testing.remote_backend import RemoteBackend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    AsyncioVerb = AbstractAsyncContextManager[None]


@final
class AsyncioBackend(RemoteBackend):
    """What a test may do to a backend; each verb is a context manager that heals on leaving.

    `BackendHandle` and `ServerHandle` explain them.
    """

    def kill(self) -> AsyncioVerb:
        """Reset its connections, and refuse new ones; a server of `spawn` is killed (SIGKILL)."""
        return self._during(self._handle.kill)

    def pause(self) -> AsyncioVerb:
        """Let dials succeed, and then nothing come or go; a server of `spawn` is stopped."""
        return self._during(self._handle.pause)

    def partition(self) -> AsyncioVerb:
        """Let dials time out and connections go silent."""
        return self._during(self._handle.partition)

    def slow(self, latency: float = 0.0, rate: float = float("inf")) -> AsyncioVerb:
        """Let it answer late (seconds), and move few bytes (a second, each way)."""
        return self._during(partial(self._handle.slow, latency, rate))

    def flap(self, up: float, down: float) -> AsyncioVerb:
        """Kill it for `down` seconds, let it live for `up` seconds, and so on."""
        return self._during(partial(self._handle.flap, up, down))

    def drain(self) -> AsyncioVerb:
        """Give it no new connections; those that are there stay."""
        return self._during(self._handle.drain)

    async def restart(self) -> None:
        """Kill a server of `spawn`, start it again, and wait until it serves."""
        async with self._during(self._server.kill):
            pass

    @asynccontextmanager
    async def _during(
        self, verb: Callable[[], AbstractAsyncContextManager[None]]
    ) -> AsyncIterator[None]:
        held = HeldBlock(self._portal, verb())
        try:
            await see_through(held.entered)
            yield
        finally:
            held.leave()
            await see_through(held.left)
