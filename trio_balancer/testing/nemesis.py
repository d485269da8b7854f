"""What a test may do to a backend; each verb is a context manager that heals on leaving."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.policy import Admin, State
from trio_balancer.testing.events import EventKind, Timeline
from trio_balancer.testing.link import Condition
from trio_balancer.testing.runner import Runner
from trio_balancer.testing.server_process import ServerError
from trio_balancer.testing.watched_network import WatchedNetwork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_balancer.policy import Backend, Pool
    from trio_balancer.testing.link import Link
    from trio_balancer.wire.address import Address, SocketAddress


@attrs.frozen
class Surroundings:
    """What handles of backends work with."""

    network: WatchedNetwork
    runner: Runner
    timeline: Timeline


class BackendHandle:
    """A backend that a test did not start: what is done is done to the way there.

    Verbs may be nested, on one backend or on several. Their effects add up, and each ends with
    its own block, also when that fails. What is done takes effect at once, and so does healing.
    """

    def __init__(self, pool: Pool, backend: Backend, surroundings: Surroundings) -> None:
        self._pool = pool
        self._backend = backend
        self._surroundings = surroundings

    def __repr__(self) -> str:
        return f"<backend {self.name} of pool {self.pool}: {self.state.value}>"

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self._backend.name

    @property
    def pool(self) -> str:
        """The name of its pool."""
        return self._pool.name

    @property
    def own_address(self) -> Address:
        """Where it is according to the configuration, whatever it was retargeted to."""
        return self._backend.address

    @property
    def address(self) -> Address:
        """Where connections to it go now."""
        return self._link.target or self._backend.address

    @property
    def state(self) -> State:
        """What the balancer thinks of it."""
        return self._backend.state

    @property
    def active(self) -> int:
        """Connections that hold one of its slots now."""
        return self._backend.active

    @property
    def _link(self) -> Link:
        return self._surroundings.network.link(self._backend.address)

    @asynccontextmanager
    async def kill(self) -> AsyncIterator[None]:
        """Reset its connections, and refuse new ones."""
        async with self._imposed("kill", Condition(refuses=True)):
            yield

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Let dials succeed, and then nothing come or go: as a stopped process does."""
        async with self._imposed("pause", Condition(stalls=True)):
            yield

    @asynccontextmanager
    async def partition(self) -> AsyncIterator[None]:
        """Let dials time out and connections go silent: as a pulled cable does.

        Closes and resets do not arrive either, until the partition heals.
        """
        async with self._imposed("partition", Condition(stalls=True, unreachable=True)):
            yield

    @asynccontextmanager
    async def slow(self, latency: float = 0.0, rate: float = math.inf) -> AsyncIterator[None]:
        """Let it answer late, and move few bytes.

        `latency` (seconds) is added to each burst of bytes that comes from it, `rate` (bytes a
        second) holds for each direction of each connection. For one direction there is
        `Harness.fault`.
        """
        if latency < 0 or rate <= 0:
            raise ValueError("latency cannot be below 0, nor rate 0 or less: pause() stops it all")
        condition = Condition(latency=latency, rate=rate)
        async with self._imposed(f"slow latency={latency:g} rate={rate:g}", condition):
            yield

    @asynccontextmanager
    async def flap(self, up: float, down: float) -> AsyncIterator[None]:
        """Kill it for `down` seconds, let it live for `up` seconds, and so on."""
        if up <= 0 or down <= 0:
            raise ValueError("up and down are durations in seconds, above 0")
        flapping = _Flapping(self, up, down)
        self._surroundings.runner.nursery.start_soon(flapping.run)
        try:
            yield
        finally:
            await flapping.stop()

    @asynccontextmanager
    async def drain(self) -> AsyncIterator[None]:
        """Give it no new connections; those that are there stay."""
        before = self._backend.admin
        self._told(EventKind.FAULT_ADDED, "drain")
        self._pool.set_admin(self._backend, Admin.DRAIN, trio.current_time())
        try:
            yield
        finally:
            self._told(EventKind.FAULT_REMOVED, "drain")
            self._pool.set_admin(self._backend, before, trio.current_time())

    def retarget(self, address: SocketAddress) -> None:
        """Let new connections, and checks, go elsewhere; those that are there stay."""
        self._link.target = address
        self._told(EventKind.RETARGETED, f"to {address}")

    @asynccontextmanager
    async def _imposed(self, verb: str, condition: Condition) -> AsyncIterator[None]:
        link = self._link
        self._told(EventKind.FAULT_ADDED, verb)
        link.impose(condition)
        try:
            yield
        finally:
            self._told(EventKind.FAULT_REMOVED, verb)
            link.lift(condition)

    def _told(self, kind: EventKind, detail: str) -> None:
        self._surroundings.timeline.add(kind, backend=self.name, detail=detail)


@final
class _Flapping:
    """Kills a backend and lets it live, in turn, until told to stop."""

    def __init__(self, backend: BackendHandle, up: float, down: float) -> None:
        self._backend = backend
        self._up = up
        self._down = down
        self._stop = trio.Event()
        self._healed = trio.Event()
        self._failure: ServerError | None = None

    async def run(self) -> None:
        # Not cancelled, but told to stop: what is killed must be healed, which may take steps.
        try:
            while not self._stop.is_set():
                async with self._backend.kill():
                    await self._wait(self._down)
                await self._wait(self._up)
        except ServerError as error:
            self._failure = error
        finally:
            self._healed.set()

    async def _wait(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._stop.wait()

    async def stop(self) -> None:
        """Heal; raises ServerError where a server did not come up again."""
        self._stop.set()
        with trio.CancelScope(shield=True):
            await self._healed.wait()
        if self._failure is not None:
            raise self._failure
