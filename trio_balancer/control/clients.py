"""The clients of the runtime socket: how many there may be, and who must make room for others.

A crowd of programs waits in the queue of the socket and is served one after the other. But what
somebody forgot, a prompt or a stream, must not keep an operator out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.control.runtime_client import RuntimeClient

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Clients at a time.
MOST_CLIENTS = 32
#: Seconds after which a client that does nothing may be sent away for a new one: programs send
#: their command at once, and it waits in the socket already when they are let in.
GRACE = 0.1
# Seconds between two looks for one.
_GLANCE = 0.02


@attrs.define(eq=False)
class Clients:
    """Those who are there."""

    #: Whoever does something for a client holds it; see `RuntimeClient`.
    turns: trio.Lock = attrs.Factory(trio.Lock)
    present: list[RuntimeClient] = attrs.Factory(list)
    _left: trio.Event = attrs.Factory(trio.Event)

    async def make_room(self) -> None:
        """Wait until one more may come: somebody leaves, or may be sent away."""
        while len(self.present) >= MOST_CLIENTS:
            self._send_away()
            with trio.move_on_after(_GLANCE):
                await self._left.wait()

    def _send_away(self) -> None:
        """End whoever has been idle the longest; streams last, for somebody may look at them."""
        if any(client.scope.cancel_called for client in self.present):
            return  # One is on its way out already.
        idle = sorted(self._idle(), key=lambda client: (client.following, client.idle_since))
        for client in idle[:1]:
            client.scope.cancel()

    def _idle(self) -> Iterator[RuntimeClient]:
        now = trio.current_time()
        for client in self.present:
            if client.waiting and now - client.idle_since >= GRACE:
                yield client

    def enter(self, client: RuntimeClient) -> None:
        """Count a client in."""
        self.present.append(client)

    def leave(self, client: RuntimeClient) -> None:
        """Count it out again."""
        self.present.remove(client)
        self._left.set()
        self._left = trio.Event()
