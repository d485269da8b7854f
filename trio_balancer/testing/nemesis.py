"""What a test may do to a backend; each verb is a context manager that heals on leaving."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from trio_balancer.policy import Admin, State
from trio_balancer.testing.events import EventKind
from trio_balancer.testing.link import Condition

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio_balancer.policy import Backend, Pool
    from trio_balancer.testing.events import Timeline
    from trio_balancer.testing.link import Link
    from trio_balancer.testing.runner import Runner
    from trio_balancer.testing.server_process import ServerProcess
    from trio_balancer.testing.watched_network import WatchedNetwork
    from trio_balancer.wire.address import Address, SocketAddress


class BackendHandle:
    """A backend that a test did not start: what is done is done to the way there.

    Verbs may be nested, on one backend or on several. Their effects add up, and each ends with
    its own block, also when that fails. What is done takes effect at once, and so does healing.
    """

    def __init__(
        self,
        pool: Pool,
        backend: Backend,
        network: WatchedNetwork,
        runner: Runner,
        timeline: Timeline,
    ) -> None:
        self._pool = pool
        self._backend = backend
        self._network = network
        self._runner = runner
        self._timeline = timeline

    def __repr__(self) -> str:
        return f"<backend {self.name} of pool {self._pool.name}: {self.state.value}>"

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self._backend.name

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
        return self._network.link(self._backend.address)

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
        second) holds for each direction of each connection.
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
        stop, healed = trio.Event(), trio.Event()
        self._runner.nursery.start_soon(self._keep_flapping, up, down, stop, healed)
        try:
            yield
        finally:
            stop.set()
            with trio.CancelScope(shield=True):
                await healed.wait()

    async def _keep_flapping(
        self, up: float, down: float, stop: trio.Event, healed: trio.Event
    ) -> None:
        # Not cancelled, but told to stop: what is killed must be healed, which may take steps.
        try:
            while not stop.is_set():
                async with self.kill():
                    with trio.move_on_after(down):
                        await stop.wait()
                with trio.move_on_after(up):
                    await stop.wait()
        finally:
            healed.set()

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
        self._timeline.add(kind, backend=self.name, detail=detail)


class ServerHandle(BackendHandle):
    """A backend that the harness has started: `kill` and `pause` are done to its processes."""

    def __init__(
        self,
        process: ServerProcess,
        pool: Pool,
        backend: Backend,
        network: WatchedNetwork,
        runner: Runner,
        timeline: Timeline,
    ) -> None:
        super().__init__(pool, backend, network, runner, timeline)
        self._process = process

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
        self._told(EventKind.FAULT_ADDED, "kill (SIGKILL)")
        await self._process.stop()
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):  # `start` has a timeout of its own
                await self._process.start()
                self._follow()
            self._told(EventKind.FAULT_REMOVED, "kill (SIGKILL)")

    def _follow(self) -> None:
        if self._process.address != self.address:
            self.retarget(self._process.address)

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Stop its processes (SIGSTOP); afterwards let them go on (SIGCONT)."""
        self._told(EventKind.FAULT_ADDED, "pause (SIGSTOP)")
        await self._process.signal("SIGSTOP")
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await self._process.signal("SIGCONT")
            self._told(EventKind.FAULT_REMOVED, "pause (SIGSTOP)")
