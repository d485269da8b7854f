"""One way between two plain sockets where there is no epoll: system calls and trio's waits.

The contract is that of `relay.copy`. A reset behind a way that is blocked may be learnt late
here: nobody watches a socket that is neither read nor written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.seam import PeerReset
from trio_balancer.relay.copy import copy
from trio_balancer.relay.way import Outcome

if TYPE_CHECKING:
    from trio_balancer.network.socket_stream import SocketStream
    from trio_balancer.relay.way import Way

BUFFER_SIZE = 64 * 1024
# Chunks in a row before other tasks run.
_SHARE = 4


@final
class PortableTransfer:
    """One way while it is moved by socket calls."""

    __slots__ = ("_scope", "_sink", "_source", "_unsent", "_way")

    def __init__(self, way: Way, source: SocketStream, sink: SocketStream) -> None:
        self._way = way
        self._source = source
        self._sink = sink
        self._unsent = memoryview(b"")
        self._scope = trio.CancelScope()

    async def run(self, prefix: bytes) -> Outcome:
        """Move bytes until the way is over, `prefix` first; see `relay.copy.copy`."""
        self._way.leave_relay = self._scope.cancel
        try:
            with self._scope:
                return await self._copy(prefix)
        finally:
            self._way.leave_relay = None
        # Cancelled only by `leave_relay`, at a wait: no byte was on its way.
        return await (self._way.heir or copy)(self._way, bytes(self._unsent))

    async def _copy(self, prefix: bytes) -> Outcome:
        chunk = prefix
        while True:
            for _ in range(_SHARE):
                if chunk and not await self._pass_on(chunk):
                    return Outcome.SINK_BROKE
                try:
                    chunk = await self._receive()
                except OSError:
                    return Outcome.SOURCE_BROKE
                if not chunk:
                    return self._end()
            self._unsent = memoryview(chunk)
            await trio.lowlevel.checkpoint()

    async def _receive(self) -> bytes:
        while True:
            try:
                chunk = self._source.socket.recv(BUFFER_SIZE)
            except BlockingIOError:
                await self._source.wait_readable()
            else:
                self._source.received += len(chunk)
                return chunk

    async def _pass_on(self, chunk: bytes) -> bool:
        """Send a chunk; say whether the sink took it all."""
        way, sink = self._way, self._sink
        way.pair.spoke_last = way.source
        way.sending = True
        self._unsent = memoryview(chunk)
        while self._unsent:
            try:
                sent = sink.socket.send(self._unsent)
            except BlockingIOError:
                await sink.wait_writable()
            except OSError:
                return False
            else:
                sink.sent += sent
                self._unsent = self._unsent[sent:]
        way.sending = False
        return True

    def _end(self) -> Outcome:
        """Turn the source's end-of-file into the sink's."""
        broken = self._way.pair.broken
        if broken is not None:
            return Outcome.SINK_BROKE if broken is self._sink else Outcome.SOURCE_BROKE
        try:
            self._sink.send_eof_nowait()
        except PeerReset:
            return Outcome.SINK_BROKE
        self._way.finished = True
        return Outcome.FINISHED
