"""Bulk: from socket to socket through a pipe, by `splice`, so that it never enters Python."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from trio_balancer.network.socket_stream import SocketStream
    from trio_balancer.relay.pipes import Pipe, PipePool

# Small pieces in a row after which a way is no longer bulk (HAProxy's splice-auto counts alike).
_SMALL_AFTER = 3
_SMALL = 16 * 1024
#: A kernel or a kind of socket that cannot splice says so with one of these.
NO_SPLICE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP})


@final
class Bulk:
    """One way while it is bulk; it has a pipe only while there is something to move."""

    __slots__ = ("_pipe", "_pipes", "_sink", "_small", "_source")

    def __init__(self, source: SocketStream, sink: SocketStream, pipes: PipePool) -> None:
        self._source = source
        self._sink = sink
        self._pipes = pipes
        self._pipe: Pipe | None = None
        self._small = 0

    def fill(self, piece: int) -> int:
        """Take up to a piece from the source, into a pipe; there must be none yet.

        0 when it is to be received instead: the pieces have become small, no pipe is free, the
        source is at its end or before urgent data, which `recv` steps over and `splice` does not.

        Raises BlockingIOError when nothing is there (or urgent data), else OSError.
        """
        if self._small >= _SMALL_AFTER:
            return 0
        self._pipe = self._pipes.borrow()
        if self._pipe is None:
            return 0
        taken = self._pipe.fill_from(self._source.socket.fileno(), piece)
        self._source.received += taken
        self._small = self._small + 1 if taken < _SMALL else 0
        return taken

    def empty(self) -> None:
        """Give the sink all that the pipe holds. Raises BlockingIOError when it is full, OSError.

        What it took before is counted.
        """
        while self._pipe is not None and self._pipe.held:
            self._sink.sent += self._pipe.empty_into(self._sink.socket.fileno())

    def read_all(self) -> bytes:
        """Take what the pipe holds into Python after all."""
        return b"" if self._pipe is None else self._pipe.read_all()

    @property
    def held(self) -> int:
        """Bytes taken from the source and not given to the sink."""
        return 0 if self._pipe is None else self._pipe.held

    def give_back(self) -> None:
        """Have no pipe any more; what it holds is lost."""
        if self._pipe is not None:
            self._pipes.give_back(self._pipe)
            self._pipe = None
