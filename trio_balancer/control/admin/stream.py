"""What Hypercorn reads from and writes to: a stream that waits for no reader for ever."""

from __future__ import annotations

from socket import socket

import attrs
import trio
from hypercorn.trio.worker_context import EventWrapper

from trio_balancer.network.seam import Stream

#: Seconds that a client has to take what it is sent, a hundred kilobytes or so at a time.
PATIENCE = 10.0


@attrs.define(eq=False)
class PatientStream:
    """A client's stream, as far as Hypercorn knows streams.

    Hypercorn shields what it sends from cancellation. Without a limit, a client that stops reading
    would keep the process from ending. `gone` is set at the client's end: Hypercorn itself would
    wait for another request until its idle timeout.
    """

    _stream: Stream
    socket: socket
    gone: EventWrapper = attrs.Factory(EventWrapper)
    #: When anything was received or sent last (trio's clock).
    idle_since: float = attrs.Factory(trio.current_time)
    #: Those who listen to events are sent some every second, so that they are never idle for long.
    is_stream: bool = False

    async def receive_some(self, max_bytes: int) -> bytes:
        """Receive at least one byte; b"" at the end."""
        data = b""
        try:
            data = bytes(await self._stream.receive_some(max_bytes))
        finally:
            self.idle_since = trio.current_time()
            if not data:
                await self.gone.set()
        return data

    async def send_all(self, data: bytes) -> None:
        """Send all of it; raises trio.BrokenResourceError when the client does not take it."""
        try:
            await self._send_patiently(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self.gone.set()
            raise
        self.idle_since = trio.current_time()

    async def _send_patiently(self, data: bytes) -> None:
        with trio.move_on_after(PATIENCE):
            await self._stream.send_all(data)
            return
        self._stream.reset()
        raise trio.BrokenResourceError("the client does not read")

    async def send_eof(self) -> None:
        """Say that no more will be sent."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close it."""
        self._stream.close()
        await trio.lowlevel.checkpoint()

    def send_away(self) -> None:
        """Close it at once; whoever is sending gets an error."""
        self._stream.close()
