"""What has arrived in an in-memory network, when, and how each connection ended."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, final

import attrs
import trio

if TYPE_CHECKING:
    from trio_balancer.wire.address import SocketAddress


@attrs.frozen
class Moment:
    """Something that arrived at one end of a connection.

    `time` is trio's clock, in seconds to the nanosecond. `event` is "data", "finished" (an
    end-of-file) or "reset"; `length` and `sha256` (hexadecimal) are the chunk's.
    """

    time: float
    event: str
    length: int = 0
    sha256: str = ""

    def __str__(self) -> str:
        if self.event != "data":
            return f"{self.time:.9f} {self.event}"
        return f"{self.time:.9f} {self.length} bytes {self.sha256}"


@final
@attrs.define
class Direction:
    """What one end was sent, in order."""

    moments: list[Moment] = attrs.field(factory=list)

    def data(self, chunk: bytes) -> None:
        """Note bytes that arrive now."""
        digest = hashlib.sha256(chunk).hexdigest()
        self.moments.append(Moment(_now(), "data", len(chunk), digest))

    def event(self, name: str) -> None:
        """Note the end-of-file or the reset that arrives now."""
        self.moments.append(Moment(_now(), name))


@final
@attrs.define
class Conversation:
    """One connection: what its server (`up`) and its client (`down`) were sent."""

    number: int
    opened: float
    client: str
    server: str
    up: Direction = attrs.field(factory=Direction)
    down: Direction = attrs.field(factory=Direction)

    def lines(self) -> list[str]:
        """Describe it for people, and for comparing."""
        head = f"#{self.number} {self.client} -> {self.server} opened {self.opened:.9f}"
        up = [f"#{self.number} up   {moment}" for moment in self.up.moments]
        return [head, *up, *(f"#{self.number} down {moment}" for moment in self.down.moments)]


@final
@attrs.define
class History:
    """All that arrived in a `MemoryNetwork(history=...)`; two are equal when everything was.

    It grows with every chunk, and keeps no bytes. `str` prints it, `digest` is its fingerprint.
    """

    conversations: list[Conversation] = attrs.field(factory=list)

    def begin(self, client: SocketAddress, server: SocketAddress) -> Conversation:
        """Note a new connection."""
        number = len(self.conversations) + 1
        conversation = Conversation(number, _now(), str(client), str(server))
        self.conversations.append(conversation)
        return conversation

    def digest(self) -> str:
        """Return the SHA-256 of `str`, in hexadecimal, for comparing across processes."""
        return hashlib.sha256(str(self).encode()).hexdigest()

    def __str__(self) -> str:
        return "".join(f"{line}\n" for each in self.conversations for line in each.lines())


def _now() -> float:
    return round(trio.current_time(), 9)
