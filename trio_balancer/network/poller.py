"""One private epoll for all sockets of a network: who is ready is told in place.

Waiting with `trio.lowlevel.wait_readable` costs a system call to arm the wait, one to disarm it
and a task switch, for every message. Here a single task waits for the epoll itself to become
readable, and tells every ready socket's reader and writer by a plain call.

Each socket is registered once, edge-triggered, for everything. Edge-triggered, because no mask
hides a HUP: level-triggered it would be told for ever. What the events mean on Linux (tried on
6.1 to 6.18, the tests try again):

- a reset is EPOLLERR with EPOLLHUP, after a FIN of either side too, until somebody consumes the
  error with recv, send or SO_ERROR (so SO_ERROR is never read on a live stream);
- EPOLLHUP alone is two FINs, or a reset that recv or send has told already: no news;
- data and FIN may come as one event, which then carries EPOLLRDHUP.
"""

from __future__ import annotations

import select
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol, final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

HAVE_EPOLL = hasattr(select, "epoll")

#: Nothing but readable and writable: the peer is there and may send more.
ALIVE = 0
if HAVE_EPOLL:
    _EVERYTHING = select.EPOLLET | select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP
    _EVERYTHING |= select.EPOLLPRI  # urgent data, which is not carried, cuts a read short
    ALIVE = select.EPOLLIN | select.EPOLLOUT
    _READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    _WRITE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR
    _ERROR = select.EPOLLERR

# Seconds that a visit may take while other tasks wait for their turn. Setting up a connection is
# many turns, each of which waits for a visit.
VISIT = 0.0005
# The same while somebody asks for turn after turn: one turn of bulk takes longer than this, and
# bulk is in less of a hurry than connections that are being set up.
VISIT_WITH_TURNS = 0.00005
_EVENTS_AT_ONCE = 128


class Reader(Protocol):
    """Whoever reads a socket."""

    def readable(self, *, ended: bool) -> None:
        """Read until the socket is empty; `ended`: until an end-of-file or an error."""
        ...


class Writer(Protocol):
    """Whoever waits until a socket takes bytes again."""

    def writable(self) -> None:
        """Write, or meet the error."""
        ...


class Again(Protocol):
    """Whoever stopped because its share was used up, not because the socket was empty."""

    def go_on(self) -> None:
        """Take the next share."""
        ...


class Watched(Protocol):
    """A socket's stream, as the poller sees it."""

    reader: Reader | None
    writer: Writer | None
    #: The events of becoming readable while it had no reader: they are not told again.
    missed: int

    def broken(self) -> None:
        """Hear of a reset, perhaps more than once."""
        ...


@final
class Poller:
    """Tells readers, writers and whoever waits for a reset, while `run` runs."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._watched: dict[int, Watched] = {}
        self._again: deque[Again] = deque()
        #: What is left of the last batch of events: edge-triggered, they do not come again.
        self._untold: deque[tuple[int, int]] = deque()
        #: Descriptors unregistered since that batch, which may still name them.
        self._stale: set[int] = set()
        self._asleep = False

    def register(self, descriptor: int, watched: Watched) -> None:
        """Begin to watch a socket. Whatever was ready before is told too, once."""
        if self._epoll is None:
            self._epoll = select.epoll()
        self._epoll.register(descriptor, _EVERYTHING)
        self._watched[descriptor] = watched

    def unregister(self, descriptor: int) -> None:
        """Stop watching, before the descriptor is closed: its number will be used again."""
        # After `run` has ended nobody is watched any more.
        if self._watched.pop(descriptor, None) is not None and self._epoll is not None:
            self._epoll.unregister(descriptor)
            self._stale.add(descriptor)

    def again(self, task: Again) -> None:
        """Call `go_on` in the next round; the poller does not sleep before that."""
        self._again.append(task)
        if self._asleep and self._epoll is not None:
            # Asked by a task, not from within a visit: no event may ever come. This is trio's way
            # to wake whoever waits for a descriptor; nothing is closed.
            trio.lowlevel.notify_closing(self._epoll.fileno())

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        if self._epoll is None:
            self._epoll = select.epoll()
        task_status.started()
        try:
            while True:
                if self._again or self._untold:
                    await trio.lowlevel.checkpoint()
                else:
                    await self._sleep(self._epoll.fileno())
                self._visit(self._epoll.poll)
        finally:
            self._watched.clear()
            self._untold.clear()
            self._epoll.close()
            self._epoll = None

    async def _sleep(self, descriptor: int) -> None:
        self._asleep = True
        try:
            await trio.lowlevel.wait_readable(descriptor)
        except trio.ClosedResourceError:
            pass  # woken by `again`
        finally:
            self._asleep = False

    def _visit(self, poll: Callable[[float, int], list[tuple[int, int]]]) -> None:
        """Tell what is ready, again and again while there is something and time is left."""
        start = time.perf_counter()
        while True:
            if not self._untold:
                self._stale.clear()
                self._untold.extend(poll(0, _EVENTS_AT_ONCE))
            ready = bool(self._untold)
            self._tell_all(start + VISIT)
            turns = bool(self._again)
            if turns:
                self._give_turns(start + VISIT_WITH_TURNS)
            limit = VISIT_WITH_TURNS if turns else VISIT
            if not (ready or self._again) or time.perf_counter() > start + limit:
                return

    def _tell_all(self, end: float) -> None:
        # At least one each time, as with the turns: whoever takes long delays the others, but
        # keeps nobody from ever being told.
        while self._untold:
            descriptor, event = self._untold.popleft()
            watched = self._watched.get(descriptor)
            if watched is not None and descriptor not in self._stale:
                self._tell(watched, event)
            if time.perf_counter() > end:
                return

    def _give_turns(self, end: float) -> None:
        for _ in range(len(self._again)):
            self._again.popleft().go_on()
            if time.perf_counter() > end:
                return

    @staticmethod
    def _tell(watched: Watched, event: int) -> None:
        if event & _ERROR:
            watched.broken()
        if event & _READ:
            if watched.reader is None:
                watched.missed |= event
            else:
                watched.reader.readable(ended=event & ~ALIVE != 0)
        if event & _WRITE and watched.writer is not None:
            watched.writer.writable()
