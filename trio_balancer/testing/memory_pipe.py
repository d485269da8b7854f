"""One direction of an in-memory connection: two kernels' buffers as one bounded queue of bytes.

This is where what lies between two hosts belongs: a delay or a bandwidth would act on the way
from the first half of the window (ours) to the second (theirs).
"""

from __future__ import annotations

from typing import final

import attrs
import trio


@final
@attrs.define(eq=False)
class Pipe:
    """At most `window` bytes on their way, and a FIN behind them.

    The older half of the window is the receiver's buffer; what does not fit there waits in the
    sender's, unacknowledged.
    """

    window: int
    queue: bytearray = attrs.field(factory=bytearray)
    #: The sender has finished: no byte comes after those in the queue.
    finished: bool = False
    #: Tasks that wait for a change, on the receiver's and on the sender's side.
    receivers: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)
    senders: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    @property
    def room(self) -> int:
        """Bytes that the sender's side takes now."""
        return self.window - len(self.queue)

    @property
    def arrived(self) -> int:
        """Bytes in the receiver's buffer."""
        return min(len(self.queue), (self.window + 1) // 2)

    @property
    def unsent(self) -> int:
        """Bytes that have not arrived yet."""
        return len(self.queue) - self.arrived

    @property
    def fin_arrived(self) -> bool:
        """Whether the receiver's side knows that no byte follows."""
        return self.finished and not self.unsent

    def put(self, data: memoryview) -> int:
        """Take as much as there is room for; returns how much that was."""
        count = min(self.room, len(data))
        self.queue += data[:count]
        self.receivers.unpark_all()
        return count

    def take(self, max_bytes: int) -> bytes:
        """Give what has arrived, up to `max_bytes`."""
        count = min(self.arrived, max_bytes)
        data = bytes(self.queue[:count])
        del self.queue[:count]
        self.senders.unpark_all()
        return data

    def finish(self) -> None:
        """Send the FIN."""
        self.finished = True
        self.receivers.unpark_all()

    def cut(self) -> None:
        """Drop what the sender's side has not sent yet, its FIN too: it resets."""
        if self.unsent:
            del self.queue[self.arrived :]
            self.finished = False

    def wake_all(self) -> None:
        """Let both sides look again."""
        self.receivers.unpark_all()
        self.senders.unpark_all()
