"""Accept clients and start a task for each; nothing else happens in these loops.

trio's `serve_listeners` is not used: it gives up for good on some errors of `accept`, and it
accepts before it knows whether there is room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import LogLevel, Overflow
from trio_balancer.flow.admission import Admission
from trio_balancer.flow.admit import OVERFLOW, refuse, screen
from trio_balancer.flow.bind import Bound
from trio_balancer.flow.connection import open_connection, serve_connection
from trio_balancer.flow.faulting import open_faults
from trio_balancer.flow.listener import ListenerState
from trio_balancer.flow.live import Runtime
from trio_balancer.network.errors import describe
from trio_balancer.network.seam import Listener

if TYPE_CHECKING:
    from trio_balancer.flow.live import Connection

# Clients accepted in a row before other tasks run.
BATCH = 16
# Seconds to wait after `accept` failed; doubles up to the last. With no descriptor left, trying
# again at once would spin.
FIRST_PAUSE = 0.005
LAST_PAUSE = 0.1
# Errors of `accept` after which the backlog is given up, when there is no time left to back off.
BACKLOG_FAILURES = 100


@attrs.define(eq=False)
class Door:
    """One listening address, and the connections nursery that its clients go to."""

    runtime: Runtime
    listener: ListenerState
    bound: Bound
    connections: trio.Nursery
    pause: float = FIRST_PAUSE
    #: That of `run`: the socket may go on without this door.
    scope: trio.CancelScope = attrs.Factory(trio.CancelScope)
    #: That of `bound`, as it is asked for with every client.
    socket: Listener = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.socket = self.bound.socket

    async def run(self) -> None:
        """Accept until `scope` is cancelled, or the socket closed."""
        with self.scope:
            await self.accept_forever()

    async def accept_forever(self) -> None:
        """Accept until the listening socket is closed by us; no error of `accept` ends it."""
        while True:
            try:
                await self.socket.wait_ready()
                if not await self._accept_batch():
                    # Ready, and yet nobody: a kernel that says so for ever must not make us spin.
                    await self._pause()
            except trio.ClosedResourceError:
                return
            except OSError as error:
                await self._back_off(error)

    async def _accept_batch(self) -> int:
        """Accept up to a number of those who wait; return how many they were.

        The tokens that a refused client leaves are for the next one.
        """
        admission = self._admission()
        try:
            for count in range(BATCH):
                connection = await self._accept_next(admission, first=count == 0)
                if connection is None:
                    return count
                self.pause = FIRST_PAUSE
                if connection.admission is admission:
                    admission = self._admission()
        finally:
            admission.give_back()
        return BATCH

    async def _accept_next(self, admission: Admission, *, first: bool) -> Connection | None:
        """Take the tokens, then accept: while there are none, the kernel's backlog waits.

        Only for the `first` of a batch somebody is known to wait there.
        """
        if self._overflow() is Overflow.WAIT and not admission.take_nowait():
            if not first:
                return None
            self._tell_full()
            await admission.take()
        return self._accept(admission)

    def _overflow(self) -> Overflow:
        return self.listener.config.overflow or self.runtime.overflow

    def _accept(self, admission: Admission) -> Connection | None:
        """Accept a client; None: nobody waits. Who is not turned away has the tokens now.

        With `overflow = "reject"` they are taken only here, or else the client is reset.
        """
        connection = self._open()
        if connection is None:
            return None
        if not admission.take_nowait():
            refuse(connection, OVERFLOW, "too many connections")
        elif not self.listener.screens or screen(connection):
            self._serve(connection, admission)
        return connection

    def _open(self) -> Connection | None:
        try:
            client = self.socket.accept_nowait()
        except BlockingIOError:
            return None
        return open_connection(self.runtime, self.listener, client, self.socket.address)

    def _serve(self, connection: Connection, admission: Admission) -> None:
        connection.admission = admission
        if self.runtime.faults is not None:
            # Here, and not in its task: tasks start in any order, and faults count clients.
            connection.faults = open_faults(connection, self.runtime.faults)
        self.connections.start_soon(serve_connection, connection, name="connection")

    def _tell_full(self) -> None:
        """Say why clients are not answered: they see nothing but silence."""
        own = self.listener.limiter
        limiter = self.runtime.limiter if own.available_tokens > 0 else own
        self.runtime.log.limited(
            f"limit {self.listener.name}",
            LogLevel.WARNING,
            "Limit reached, clients wait",
            listener=self.listener.name,
            limit="listener" if limiter is own else "balancer",
            max_connections=limiter.total_tokens,
        )

    def _admission(self) -> Admission:
        return Admission((self.listener.limiter, self.runtime.limiter))

    async def _back_off(self, error: OSError) -> None:
        self.runtime.totals.accept_errors += 1
        self.listener.totals.accept_errors += 1
        self.runtime.log.limited(
            f"accept {self.listener.name}",
            LogLevel.ERROR,
            "Accepting failed; trying again",
            listener=self.listener.name,
            address=str(self.socket.address),
            reason=describe(error),
        )
        await self._pause()

    async def _pause(self) -> None:
        await trio.sleep(self.pause)
        self.pause = min(self.pause * 2, LAST_PAUSE)

    def accept_backlog(self) -> None:
        """Take in who waits already, as far as there is room: closing would reset them."""
        reason = ""
        for _ in range(BACKLOG_FAILURES):
            try:
                while self._accept_if_free():
                    pass
            except trio.ClosedResourceError:
                return
            except OSError as error:
                # Perhaps a client that is gone (ECONNABORTED): those behind it still wait.
                reason = describe(error)
            else:
                return
        self.runtime.log.warning(
            "Clients in the backlog may have been reset",
            listener=self.listener.name,
            reason=reason,
        )

    def _accept_if_free(self) -> bool:
        admission, connection = self._admission(), None
        try:
            if admission.take_nowait():
                connection = self._accept(admission)
        finally:
            if connection is None or connection.admission is None:
                admission.give_back()
        return connection is not None
