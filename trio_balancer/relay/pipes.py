"""Pipes for `splice`, and a pool of them."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import final

#: Bytes that we ask a pipe to hold, and so the most that one call moves.
PIPE_SIZE = 1 << 20
#: A smaller pipe is slower than copying. Linux makes them so for a user with too much in pipes.
SMALLEST_PIPE = 64 * 1024
#: Pipes at a time. Linux lets a user without privileges have 64 MiB in pipes at their full size.
MAX_PIPES = 64

HAVE_SPLICE = hasattr(os, "splice")
# Not SPLICE_F_MORE: it would hold a last, short segment back for 200 ms.
FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK if HAVE_SPLICE else 0


@final
class Pipe:
    """A pipe, and how many bytes it holds: the kernel's EAGAIN may mean "full" or "no data"."""

    __slots__ = ("held", "read_end", "size", "write_end")

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with suppress(OSError):
            fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        self.size: int = fcntl.fcntl(self.write_end, fcntl.F_GETPIPE_SZ)
        self.held = 0

    def fill_from(self, descriptor: int, count: int) -> int:
        """Take up to `count` bytes from a socket; 0 at its end. Raises BlockingIOError, OSError."""
        room = min(count, self.size - self.held)
        taken = os.splice(descriptor, self.write_end, room, flags=FLAGS)
        self.held += taken
        return taken

    def empty_into(self, descriptor: int) -> int:
        """Give bytes to a socket. Raises BlockingIOError, OSError."""
        given = os.splice(self.read_end, descriptor, self.held, flags=FLAGS)
        self.held -= given
        return given

    def read_all(self) -> bytes:
        """Take what it holds into Python after all."""
        chunks = []
        while self.held:
            chunk = os.read(self.read_end, self.held)
            self.held -= len(chunk)
            chunks.append(chunk)
        return b"".join(chunks)

    def close(self) -> None:
        """Close both ends."""
        os.close(self.read_end)
        os.close(self.write_end)


@final
class PipePool:
    """Lends pipes, at most `limit` at a time, and keeps the empty ones for the next."""

    def __init__(self, limit: int = MAX_PIPES) -> None:
        self.lent = 0
        self._limit = limit
        self._free: list[Pipe] = []

    def borrow(self) -> Pipe | None:
        """Return an empty pipe; None when there is none to be had."""
        if self.lent >= self._limit:
            return None
        pipe = self._free.pop() if self._free else _make_pipe()
        if pipe is not None:
            self.lent += 1
        return pipe

    def give_back(self, pipe: Pipe) -> None:
        """Take a pipe back; one that still holds bytes of its connection is thrown away."""
        self.lent -= 1
        if pipe.held:
            pipe.close()
        else:
            self._free.append(pipe)

    def close(self) -> None:
        """Close the pipes that are not lent."""
        while self._free:
            self._free.pop().close()


def _make_pipe() -> Pipe | None:
    try:
        pipe = Pipe()
    except OSError:  # no descriptor left: bulk goes on without
        return None
    if pipe.size < SMALLEST_PIPE:
        pipe.close()
        return None
    return pipe
