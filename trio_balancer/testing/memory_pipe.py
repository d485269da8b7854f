"""One direction of an in-memory connection: two kernels' buffers as one bounded queue of bytes.

What lies between the two is a `Wire`; without one, or while that is clear, bytes arrive at once.
"""

from __future__ import annotations

from typing import final

import attrs
import trio

from trio_balancer.testing.memory_history import Direction
from trio_balancer.testing.memory_wire import Mark, Wire


@final
@attrs.define(eq=False)
class Pipe:
    """At most `window` bytes on their way, and a FIN behind them.

    The older half of the window is the receiver's buffer; what does not fit there waits in the
    sender's, unacknowledged.
    """

    window: int
    wire: Wire | None = None
    #: Who notes what arrives, where anybody does.
    history: Direction | None = None
    #: What the wire has brought.
    queue: bytearray = attrs.field(factory=bytearray)
    #: The sender's FIN is here: no byte comes after those in the queue.
    finished: bool = False
    #: Tasks that wait for a change, on the receiver's and on the sender's side.
    receivers: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)
    senders: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    @property
    def room(self) -> int:
        """Bytes that the sender's side takes now."""
        return self.window - len(self.queue) - self._on_the_wire

    @property
    def arrived(self) -> int:
        """Bytes in the receiver's buffer."""
        return min(len(self.queue), (self.window + 1) // 2)

    @property
    def unsent(self) -> int:
        """Bytes that have not arrived yet."""
        return len(self.queue) - self.arrived + self._on_the_wire

    @property
    def _on_the_wire(self) -> int:
        return 0 if self.wire is None else self.wire.load

    @property
    def is_clear(self) -> bool:
        """Whether what is sent now arrives now."""
        return self.wire is None or self.wire.is_clear

    @property
    def fin_arrived(self) -> bool:
        """Whether the receiver's side knows that no byte follows."""
        return self.finished and not self.unsent

    def put(self, data: memoryview) -> int:
        """Send as much as there is room for; returns how much that was."""
        count = min(self.room, len(data))
        if not count:
            return 0
        if self.wire is None or self.wire.is_clear:
            self.land(data[:count])
        else:
            self.wire.carry(bytes(data[:count]))
        return count

    def land(self, data: bytes | memoryview) -> None:
        """Take what arrives."""
        self.queue += data
        if self.history is not None:
            self.history.data(bytes(data))
        self.receivers.unpark_all()

    def take(self, max_bytes: int) -> bytes:
        """Give what has arrived, up to `max_bytes`."""
        count = min(self.arrived, max_bytes)
        data = bytes(self.queue[:count])
        del self.queue[:count]
        self.senders.unpark_all()
        return data

    def finish(self) -> None:
        """Send the FIN."""
        if self.wire is None or self.wire.is_clear:
            self.land_fin()
        else:
            self.wire.carry(Mark.FIN)

    def land_fin(self) -> None:
        """Take the FIN that arrives; a second one tells nothing new."""
        if not self.finished and self.history is not None:
            self.history.event("finished")
        self.finished = True
        self.receivers.unpark_all()

    def cut(self) -> None:
        """Drop what the sender's side has not sent yet, its FIN too: it resets."""
        if self.wire is not None:
            self.wire.drop_unsent()
        if len(self.queue) > self.arrived:
            del self.queue[self.arrived :]
            self.finished = False

    def lose(self) -> None:
        """Drop everything: nobody is there to receive it."""
        self.queue.clear()
        if self.wire is not None:
            self.wire.drop_unsent()

    def wake_all(self) -> None:
        """Let both sides look again."""
        self.receivers.unpark_all()
        self.senders.unpark_all()
