"""One way between two plain sockets where there is no epoll: system calls and trio's waits.

The contract is that of `relay.copy`. A reset behind a way that is blocked may be learnt late
here: nobody watches a socket that is neither read nor written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from trio_balancer.network.seam import PeerReset
from trio_balancer.relay.way import Outcome

if TYPE_CHECKING:
    from trio_balancer.network.socket_stream import SocketStream
    from trio_balancer.relay.way import Way

BUFFER_SIZE = 64 * 1024
# Chunks in a row before other tasks run.
_SHARE = 4


async def copy_sockets(
    way: Way, source: SocketStream, sink: SocketStream, prefix: bytes = b""
) -> Outcome:
    """Copy until end-of-file, and pass it on; see `relay.copy.copy`."""
    chunk = prefix
    while True:
        for _ in range(_SHARE):
            if chunk and not await _pass_on(way, sink, chunk):
                return Outcome.SINK_BROKE
            try:
                chunk = await _receive(source)
            except OSError:
                return Outcome.SOURCE_BROKE
            if not chunk:
                return _end(way, sink)
        await trio.lowlevel.checkpoint()


async def _receive(source: SocketStream) -> bytes:
    while True:
        try:
            chunk = source.socket.recv(BUFFER_SIZE)
        except BlockingIOError:
            await source.wait_readable()
        else:
            source.received += len(chunk)
            return chunk


async def _pass_on(way: Way, sink: SocketStream, chunk: bytes) -> bool:
    way.pair.spoke_last = way.source
    way.sending = True
    rest = memoryview(chunk)
    while rest:
        try:
            sent = sink.socket.send(rest)
        except BlockingIOError:
            await sink.wait_writable()
        except OSError:
            return False
        else:
            sink.sent += sent
            rest = rest[sent:]
    way.sending = False
    return True


def _end(way: Way, sink: SocketStream) -> Outcome:
    broken = way.pair.broken
    if broken is not None:
        return Outcome.SINK_BROKE if broken is way.sink else Outcome.SOURCE_BROKE
    try:
        sink.send_eof_nowait()
    except PeerReset:
        return Outcome.SINK_BROKE
    way.finished = True
    return Outcome.FINISHED
