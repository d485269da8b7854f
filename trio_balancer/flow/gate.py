"""A listener at work: its accept loops and, around them, its connections."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from trio_balancer.flow.listen import Door
from trio_balancer.flow.live import ListenerState, Runtime
from trio_balancer.network.seam import Listener


@attrs.define(eq=False)
class Gate:
    """One listener's nurseries.

    Accepting ends first; the connections then have until the deadline of `life`. With one
    nursery for both, a deadline would cut the connections together with the accepting.
    """

    runtime: Runtime
    listener: ListenerState
    sockets: Sequence[Listener]
    accepting: trio.CancelScope = attrs.Factory(trio.CancelScope)
    life: trio.CancelScope = attrs.Factory(trio.CancelScope)

    async def run(self) -> None:
        """Accept until drained, then wait for the connections; closes the sockets."""
        try:
            with self.life:
                async with trio.open_nursery() as connections:
                    await self._accept(connections)
        finally:
            self._close()

    async def _accept(self, connections: trio.Nursery) -> None:
        doors = [Door(self.runtime, self.listener, socket, connections) for socket in self.sockets]
        with self.accepting:
            async with trio.open_nursery() as loops:
                for door in doors:
                    loops.start_soon(door.accept_forever, name=f"accept {door.socket.address}")
        for door in doors:
            door.accept_backlog()
        self._close()

    def _close(self) -> None:
        for socket in self.sockets:
            socket.close()

    def drain(self, deadline: float) -> None:
        """Accept no more; whoever is left at `deadline` (trio's clock) is reset."""
        self.life.deadline = deadline
        self.accepting.cancel()
