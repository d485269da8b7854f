"""A listener at work: its accept loops and, around them, its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import LogLevel
from trio_balancer.flow.bind import Bound, Place
from trio_balancer.flow.listen import Door
from trio_balancer.flow.listener import ListenerState
from trio_balancer.flow.live import Runtime
from trio_balancer.network.errors import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.network.seam import Listener


@attrs.define(eq=False)
class Gate:
    """One listener's nurseries and the doors that it accepts at.

    Accepting ends first; the connections then have until the deadline of `life`. With one
    nursery for both, a deadline would cut the connections together with the accepting.

    Its ports refuse clients while it is `disabled` by the operator or `down`, which is
    `close_when_down`.
    """

    runtime: Runtime
    listener: ListenerState
    #: What it accepts from, in the order of its places.
    bound: list[Bound]
    accepting: trio.CancelScope = attrs.Factory(trio.CancelScope)
    life: trio.CancelScope = attrs.Factory(trio.CancelScope)
    disabled: bool = False
    down: bool = False
    #: Whether it accepts nobody any more.
    over: bool = False
    _doors: dict[Bound, Door] = attrs.Factory(dict)
    _connections: trio.Nursery | None = None
    _loops: trio.Nursery | None = None

    @property
    def sockets(self) -> Sequence[Listener]:
        """The listening sockets."""
        return [bound.socket for bound in self.bound]

    @property
    def draining(self) -> bool:
        """Whether it accepts nobody any more, or is about to stop."""
        return self.over or self.accepting.cancel_called

    @property
    def closed(self) -> bool:
        """Whether its ports refuse clients, for now."""
        return self.disabled or self.down

    async def run(self) -> None:
        """Accept until drained, then wait for the connections; closes the sockets."""
        try:
            with self.life:
                async with trio.open_nursery() as self._connections:
                    await self._accept(self._connections)
        finally:
            self._close()

    async def _accept(self, connections: trio.Nursery) -> None:
        with self.accepting:
            async with trio.open_nursery() as loops:
                self._loops = loops
                for bound in self.bound:
                    self._open_door(bound, connections, loops)
                try:
                    await trio.sleep_forever()  # doors come and go
                finally:
                    # Now: a nursery that is being cancelled may close at any time.
                    self.over, self._loops = True, None
        for bound in list(self.bound):
            self.close(bound)

    def _open_door(self, bound: Bound, connections: trio.Nursery, loops: trio.Nursery) -> None:
        door = self._doors[bound] = Door(self.runtime, self.listener, bound, connections)
        loops.start_soon(door.run, name=f"accept {bound.socket.address}")

    def open(self, bound: Bound) -> None:
        """Accept from one more socket."""
        self.bound.append(bound)
        if self._connections is not None and self._loops is not None:
            self._open_door(bound, self._connections, self._loops)
        self._settle(bound)

    def take_off(self, bound: Bound) -> None:
        """Accept no more from a socket, and leave it open: another listener goes on with it."""
        self.bound.remove(bound)
        door = self._doors.pop(bound, None)
        if door is not None:
            door.scope.cancel()

    def close(self, bound: Bound) -> None:
        """Close a socket, once those who wait there are in."""
        self._accept_backlog(bound)
        self.take_off(bound)
        bound.socket.close()

    def _accept_backlog(self, bound: Bound) -> None:
        door = self._doors.get(bound)
        if door is not None:
            door.accept_backlog()

    def arrange(self, places: Sequence[Place]) -> None:
        """Bring the sockets into the order of the places that they are for."""
        order = {str(place.address): index for index, place in enumerate(places)}
        last = len(places)
        self.bound.sort(key=lambda bound: order.get(str(bound.place.address), last))

    def drain(self, deadline: float) -> None:
        """Accept no more; whoever is left at `deadline` (trio's clock) is reset."""
        self.life.deadline = deadline
        self.accepting.cancel()

    def set_disabled(self, *, disabled: bool) -> None:
        """Refuse clients until the operator wants otherwise; who is there stays."""
        self.disabled = disabled
        self._settle_all()

    def set_down(self, *, down: bool) -> None:
        """Refuse clients while nobody could serve them."""
        if down is not self.down:
            self.down = down
            does = "Ports close: nobody is up to serve" if down else "Ports open again"
            self.runtime.log.info(does, listener=self.listener.name)
            self._settle_all()

    def _settle_all(self) -> None:
        for bound in () if self.over else self.bound:
            self._settle(bound)

    def _settle(self, bound: Bound) -> None:
        """Let a port be open or closed as it should."""
        try:
            if self.closed:
                self._accept_backlog(bound)  # pausing would reset who waits there
                bound.socket.pause()
            else:
                bound.socket.resume()
        except OSError as error:
            self.runtime.log.event(
                LogLevel.ERROR,
                "A port cannot be closed" if self.closed else "A port cannot be opened again",
                listener=self.listener.name,
                address=bound.socket.address,
                reason=describe(error),
            )

    def _close(self) -> None:
        for bound in self.bound:
            bound.socket.close()
