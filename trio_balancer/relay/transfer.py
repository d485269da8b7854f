"""One way between two plain sockets, moved in place: no task switch, no system call to wait.

The `copy` task is parked; the poller calls `readable` and `writable`, and these receive and send
at once. The rules that keep it correct:

- edge-triggered: nothing is told twice. A short read means that the socket is empty, but after
  an end, an error or urgent data was announced only 0 or an error does;
- an end-of-file is passed on after the last byte, and never on a pair that broke: a reset is
  told once, and looks like an end-of-file to whoever asks later;
- bounded work in each call; who has more to do asks the poller for another turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import outcome

from trio_balancer.network.poller import ALIVE
from trio_balancer.relay.bench import BUFFER_SIZE
from trio_balancer.relay.bulk import NO_SPLICE, Bulk
from trio_balancer.relay.parked import Parked
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from trio_balancer.network.socket_stream import SocketStream
    from trio_balancer.relay.bench import Bench
    from trio_balancer.relay.way import Way

# Buffers full in one turn, before others have theirs.
_SHARE = 4
# Full buffers in a row after which a way counts as bulk.
_BULK_AFTER = 3


@final
class Transfer(Parked):
    """One way while it is in the relay."""

    __slots__ = ("_again", "_bench", "_blocked", "_bulk", "_ended", "_full", "_pending", "_pipes")

    def __init__(self, way: Way, source: SocketStream, sink: SocketStream, bench: Bench) -> None:
        super().__init__(way, source, sink)
        self._bench = bench
        self._pipes = bench.pipes
        #: Bytes taken from the source that the sink did not take yet, when not in a pipe.
        self._pending: memoryview | None = None
        self._blocked = False
        self._again = False
        # A Unix socket may stop short of the next message, so there "short" never means empty.
        self._ended = isinstance(source.remote_address, UnixAddress)
        self._full = 0
        self._bulk: Bulk | None = None

    def _start(self, prefix: bytes) -> None:
        self._source.reader = self
        ended = self._source.missed & ~ALIVE != 0
        if prefix:
            self._ended = self._ended or ended
            self._block(prefix)
            self.writable()
        elif self._source.missed:
            self.readable(ended=ended)

    # What the poller calls

    def readable(self, *, ended: bool) -> None:
        """Receive and send until the source is empty, the sink is full, or the share is used."""
        if ended:
            self._ended = True
        self._move()

    def go_on(self) -> None:
        """Take the next share."""
        self._again = False
        self._move()

    def writable(self) -> None:
        """Send what the sink had no room for, then go on."""
        try:
            if self._pending is not None:
                self._send_pending(self._pending)
            elif self._bulk is not None and self._empty_pipe(self._bulk):
                self._unblock()
        except Exception as bug:  # noqa: BLE001 - belongs to this way's task, not to the poller's
            self._settle(outcome.Error(bug))
        self._move()

    def _move(self) -> None:
        # Who waits for a turn has it soon: one more now would be more than the others get.
        if self._blocked or self._again or self._over:
            return
        try:
            if self._bulk is None:
                self._copy()
            else:
                self._splice(self._bulk)
        except Exception as bug:  # noqa: BLE001 - likewise
            self._settle(outcome.Error(bug))

    # Small messages: through the shared buffer

    def _copy(self) -> None:
        source, sink, view = self._source, self._sink, self._bench.buffer
        leg, count = source, 0
        try:
            for _ in range(_SHARE):
                leg = source
                count = source.socket.recv_into(view)
                if not count:
                    self._end()
                    return
                source.received += count
                self._way.pair.spoke_last = source
                leg = sink
                sent = sink.socket.send(view[:count])
                sink.sent += sent
                if sent < count:
                    self._block(bytes(view[sent:count]))
                    return
                if count < BUFFER_SIZE and not self._ended:
                    self._full = 0
                    self._bench.messages += 1
                    return
                if self._is_bulk(count):
                    break
        except BlockingIOError:
            if leg is sink:
                self._block(bytes(view[:count]))
        except OSError:
            self._broke(leg)
        else:
            self._ask_again()

    def _is_bulk(self, count: int) -> bool:
        if count < BUFFER_SIZE:
            self._full = 0
            self._bench.messages += 1
            return False
        self._full += 1
        if self._full < _BULK_AFTER or self._pipes is None:
            return False
        self._bulk = Bulk(self._source, self._sink, self._pipes)
        return True

    def _send_pending(self, pending: memoryview) -> None:
        try:
            sent = self._sink.socket.send(pending)
        except BlockingIOError:
            return
        except OSError:
            self._broke(self._sink)
            return
        self._sink.sent += sent
        if sent < len(pending):
            self._pending = pending[sent:]
        else:
            self._pending = None
            self._unblock()

    # Bulk: through a pipe

    def _splice(self, bulk: Bulk) -> None:
        if self._fill_pipe(bulk) and self._empty_pipe(bulk):
            self._ask_again()
        if not bulk.held:
            bulk.give_back()

    def _fill_pipe(self, bulk: Bulk) -> bool:
        """Take a pipe full from the source; False when there is nothing to pass on."""
        try:
            taken = bulk.fill(self._bench.bulk_piece())
        except BlockingIOError:
            # Empty, unless more than bytes was announced: that may be urgent data.
            if self._ended:
                self._receive_again()
            return False
        except OSError as error:
            self._splice_failed(error, self._source)
            return False
        if not taken:
            self._receive_again()
            return False
        self._way.pair.spoke_last = self._source
        return True

    def _empty_pipe(self, bulk: Bulk) -> bool:
        """Give the sink what the pipe holds; False when it does not take it all."""
        try:
            bulk.empty()
        except BlockingIOError:
            self._block()
        except OSError as error:
            self._splice_failed(error, self._sink)
        else:
            return True
        return False

    def _splice_failed(self, error: OSError, leg: SocketStream) -> None:
        """Go on without splicing where it cannot be done; else the leg broke."""
        if error.errno not in NO_SPLICE or self._bulk is None:
            self._broke(leg)
            return
        self._pipes = None
        unsent = self._bulk.read_all()
        self._receive_again()
        if unsent:
            self._block(unsent)
            self.writable()

    def _receive_again(self) -> None:
        """Be no longer bulk."""
        self._let_go()
        self._bulk = None
        self._full = 0
        self._ask_again()

    # Turns, and waiting for the sink

    def _ask_again(self) -> None:
        self._again = True
        self._bench.poller.again(self)

    def _block(self, rest: bytes = b"") -> None:
        """Wait for the sink; until then nothing is taken from the source."""
        if rest:
            self._pending = memoryview(rest)
        self._blocked = self._way.sending = True
        self._sink.writer = self

    def _unblock(self) -> None:
        self._blocked = self._way.sending = False
        self._sink.writer = None
        self._let_go()

    def _take_unsent(self) -> bytes:
        unsent = bytes(self._pending or b"")
        return unsent if self._bulk is None else unsent + self._bulk.read_all()

    def _let_go(self) -> None:
        if self._bulk is not None:
            self._bulk.give_back()
