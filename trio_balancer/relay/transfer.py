"""One way between two plain sockets, moved in place: no task switch, no system call to wait.

The `copy` task is parked; the poller calls `readable` and `writable`, and these receive and send
at once. Bulk goes through a pipe by `splice`. The rules that keep it correct:

- edge-triggered: nothing is told twice. A short read means that the socket is empty, but after
  an end or an error was announced only 0 or an error does;
- an end-of-file is passed on after the last byte, and never on a pair that broke: a reset is
  told once, and looks like an end-of-file to whoever asks later;
- bounded work in each call; who has more to do asks the poller for another turn.
"""

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, final

import attrs
import outcome
import trio

from trio_balancer.network.poller import ALIVE, Poller
from trio_balancer.network.seam import PeerReset
from trio_balancer.relay.pipes import PipePool
from trio_balancer.relay.way import Outcome

if TYPE_CHECKING:
    from trio_balancer.network.socket_stream import SocketStream
    from trio_balancer.relay.pipes import Pipe
    from trio_balancer.relay.way import Way

#: Bytes received at a time, into a buffer that all transfers share: it is empty between calls.
BUFFER_SIZE = 64 * 1024
# Reads (or pipes full) in one call before others have their turn.
_SHARE = 4
# Full buffers in a row after which a way counts as bulk, and small pieces after which it no
# longer does (HAProxy's splice-auto counts alike).
_BULK_AFTER = 3
_SMALL_AFTER = 3
_SMALL = 16 * 1024
# A kernel or a kind of socket that cannot splice says so with one of these.
_NO_SPLICE = {errno.EINVAL, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP}


@attrs.frozen
class HandedBack:
    """The way goes on elsewhere, beginning with these bytes, which the sink has not been given."""

    unsent: bytes


@attrs.define(eq=False)
class Bench:
    """What all transfers of a relay work with; `pipes` is None where nothing is spliced."""

    poller: Poller
    pipes: PipePool | None
    buffer: memoryview = attrs.Factory(lambda: memoryview(bytearray(BUFFER_SIZE)))


@final
class Transfer:
    """One way while it is in the relay; `run` parks its task until it is over."""

    __slots__ = (
        "_again",
        "_bench",
        "_blocked",
        "_ended",
        "_full",
        "_pending",
        "_pipe",
        "_result",
        "_sink",
        "_small",
        "_source",
        "_splices",
        "_task",
        "_way",
    )

    def __init__(self, way: Way, source: SocketStream, sink: SocketStream, bench: Bench) -> None:
        self._way = way
        self._source = source
        self._sink = sink
        self._bench = bench
        self._task: trio.lowlevel.Task | None = None
        self._result: outcome.Outcome[Outcome | HandedBack] | None = None
        #: Bytes taken from the source that the sink did not take yet, when not in a pipe.
        self._pending: memoryview | None = None
        self._pipe: Pipe | None = None
        self._blocked = False
        self._again = False
        # A Unix socket may stop short of the next message, so there "short" never means empty.
        self._ended = source.socket.family == socket.AF_UNIX
        self._full = 0
        self._small = 0
        self._splices = False

    async def run(self, prefix: bytes) -> Outcome | HandedBack:
        """Move bytes until the way is over or handed back, `prefix` first."""
        self._source.watch()
        self._sink.watch()
        self._source.reader = self
        if prefix:
            self._block(prefix)
            self.writable()
        elif self._source.missed:
            self.readable(ended=self._source.missed & ~ALIVE != 0)
        if self._result is not None:
            return self._result.unwrap()
        self._task = trio.lowlevel.current_task()
        result: Outcome | HandedBack = await trio.lowlevel.wait_task_rescheduled(self._abort)
        return result

    def hand_back(self) -> None:
        """Let `run` return what was not sent yet, so that another copy can go on."""
        unsent = bytes(self._pending or b"")
        if self._pipe is not None:
            unsent = self._pipe.read_all()
        self._finish(HandedBack(unsent))

    # What the poller calls. A bug in here belongs to this way's task, not to the poller's.

    def readable(self, *, ended: bool) -> None:
        """Receive and send until the source is empty, the sink is full, or the share is used."""
        if ended:
            self._ended = True
        if not self._blocked:
            self.go_on()

    def go_on(self) -> None:
        """Take the next share."""
        self._again = False
        if self._blocked or self._result is not None:
            return
        try:
            if self._splices:
                self._splice()
            else:
                self._copy()
        except Exception as bug:  # noqa: BLE001 - wakes the copy, which raises it
            self._settle(outcome.Error(bug))

    def writable(self) -> None:
        """Send what the sink had no room for, then go on."""
        try:
            if self._pipe is None:
                self._send_pending()
            elif self._empty_pipe(self._pipe):
                self._unblock()
        except Exception as bug:  # noqa: BLE001 - likewise
            self._settle(outcome.Error(bug))
        else:
            self.go_on()

    # Small messages: through the shared buffer

    def _copy(self) -> None:
        source, sink, view = self._source, self._sink, self._bench.buffer
        for _ in range(_SHARE):
            try:
                count = source.socket.recv_into(view)
            except BlockingIOError:
                return
            except OSError:
                self._finish(Outcome.SOURCE_BROKE)
                return
            if not count:
                self._end()
                return
            source.received += count
            self._way.pair.spoke_last = source
            try:
                sent = sink.socket.send(view[:count])
            except BlockingIOError:
                sent = 0
            except OSError:
                self._finish(Outcome.SINK_BROKE)
                return
            sink.sent += sent
            if sent < count:
                self._block(bytes(view[sent:count]))
                return
            if count < BUFFER_SIZE:
                self._full = min(self._full, 0)
                if not self._ended:
                    return
            elif self._is_bulk():
                break
        self._ask_again()

    def _is_bulk(self) -> bool:
        self._full += 1
        if self._full >= _BULK_AFTER and self._bench.pipes is not None:
            self._splices = True
            self._small = 0
        return self._splices

    def _send_pending(self) -> None:
        pending = self._pending
        if pending is None:
            return
        try:
            sent = self._sink.socket.send(pending)
        except BlockingIOError:
            return
        except OSError:
            self._finish(Outcome.SINK_BROKE)
            return
        self._sink.sent += sent
        if sent < len(pending):
            self._pending = pending[sent:]
        else:
            self._pending = None
            self._unblock()

    # Bulk: through a pipe, which is borrowed only while there is something to move

    def _splice(self) -> None:
        pipes = self._bench.pipes
        pipe = None if pipes is None else pipes.borrow()
        if pipe is None:
            self._no_longer_bulk()
            self._copy()
            return
        self._pipe = pipe
        for _ in range(_SHARE):
            if not (self._fill_pipe(pipe) and self._empty_pipe(pipe)):
                break
            if self._small >= _SMALL_AFTER:
                self._no_longer_bulk()
                self._ask_again()
                break
        else:
            self._ask_again()
        if not self._blocked:
            self._give_pipe_back()

    def _fill_pipe(self, pipe: Pipe) -> bool:
        """Take a pipe full from the source; False when there is nothing to pass on."""
        try:
            taken = pipe.fill_from(self._source.socket.fileno())
        except BlockingIOError:
            return False
        except OSError as error:
            self._splice_failed(error)
            return False
        if not taken:
            self._end()
            return False
        self._source.received += taken
        self._way.pair.spoke_last = self._source
        self._small = self._small + 1 if taken < _SMALL else 0
        return True

    def _splice_failed(self, error: OSError) -> None:
        """Go on without splicing where it cannot be done; else the source broke."""
        if error.errno in _NO_SPLICE:
            self._never_bulk()
            self._ask_again()
        else:
            self._finish(Outcome.SOURCE_BROKE)

    def _empty_pipe(self, pipe: Pipe) -> bool:
        """Give the sink what the pipe holds; False when the sink is full or broke."""
        while pipe.held:
            try:
                self._sink.sent += pipe.empty_into(self._sink.socket.fileno())
            except BlockingIOError:
                self._block()
                return False
            except OSError as error:
                self._emptying_failed(error, pipe)
                return False
        return True

    def _emptying_failed(self, error: OSError, pipe: Pipe) -> None:
        """Send the pipe's bytes by hand where the sink cannot be spliced to; else it broke."""
        if error.errno in _NO_SPLICE:
            self._never_bulk()
            self._block(pipe.read_all())
            self._give_pipe_back()
            self._send_pending()
            self._ask_again()
        else:
            self._finish(Outcome.SINK_BROKE)

    def _no_longer_bulk(self) -> None:
        self._splices = False
        self._full = 0

    def _never_bulk(self) -> None:
        self._splices = False
        self._full = -(1 << 62)

    def _give_pipe_back(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None and self._bench.pipes is not None:
            self._bench.pipes.give_back(pipe)

    # States

    def _ask_again(self) -> None:
        if not self._again and self._result is None:
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
        self._give_pipe_back()

    def _end(self) -> None:
        """Pass the source's end-of-file on, unless it may be none."""
        broken = self._way.pair.broken
        if broken is not None:
            sink_broke = broken is self._sink
            self._finish(Outcome.SINK_BROKE if sink_broke else Outcome.SOURCE_BROKE)
            return
        try:
            self._sink.send_eof_nowait()
        except PeerReset:
            self._finish(Outcome.SINK_BROKE)
        else:
            self._way.finished = True
            self._finish(Outcome.FINISHED)

    def _finish(self, how: Outcome | HandedBack) -> None:
        self._settle(outcome.Value(how))

    def _settle(self, result: outcome.Outcome[Outcome | HandedBack]) -> None:
        """Leave the relay and wake the task, if it is parked already."""
        self._result = result
        self._detach()
        if self._task is not None:
            trio.lowlevel.reschedule(self._task, result)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._result = outcome.Value(Outcome.SINK_BROKE)  # whoever calls later finds it over
        self._detach()
        return trio.lowlevel.Abort.SUCCEEDED

    def _detach(self) -> None:
        if self._source.reader is self:
            self._source.reader = None
        if self._sink.writer is self:
            self._sink.writer = None
        self._way.sending = False
        self._give_pipe_back()
