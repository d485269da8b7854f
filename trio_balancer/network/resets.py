"""Learning of a reset while nobody reads: one private epoll for all sockets of a network.

A stream whose peer stops reading is blocked in `send_all`, and a client that waits in a queue is
not read at all; a reset must reach both. So every socket that somebody watches is registered
with an empty event mask, which still reports EPOLLERR and EPOLLHUP. What they mean on Linux
(tried on 6.1 to 6.18, the tests try again):

- a reset is EPOLLERR with EPOLLHUP, after a FIN of either side too, until somebody consumes the
  error with recv, send or SO_ERROR (so SO_ERROR is never read here);
- EPOLLHUP alone is two FINs, or a reset that recv or send has told already: no news.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import TYPE_CHECKING, final

import attrs
import trio

if TYPE_CHECKING:
    import socket

HAVE_EPOLL = hasattr(select, "epoll")


@attrs.define(eq=False)
class _Wish:
    """One socket's wish; its identity tells it from a later socket with the same number."""

    descriptor: int
    callback: Callable[[], None]


@final
class ResetWatcher:
    """Calls back when a peer has reset, while `run` runs.

    Without epoll (macOS) nobody is ever called: there a reset is learnt late, by the next
    receive or send.
    """

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._wishes: dict[int, _Wish] = {}

    def watch(self, sock: socket.socket, callback: Callable[[], None]) -> None:
        """Call back once, from `run`, when the peer of this socket has reset.

        A reset from before is told too, unless recv or send has told it. A second wish for the
        same socket replaces the first.
        """
        if not HAVE_EPOLL:
            return
        descriptor = sock.fileno()
        wish = self._wishes.get(descriptor)
        if wish is not None:
            wish.callback = callback
            return
        # Edge-triggered, because no mask hides a HUP: level-triggered it would be told for ever.
        self._open_epoll().register(descriptor, select.EPOLLET)
        self._wishes[descriptor] = _Wish(descriptor, callback)

    def forget(self, sock: socket.socket) -> None:
        """Take the wish back, before the socket is closed; a no-op without a wish."""
        wish = self._wishes.pop(sock.fileno(), None)
        if wish is not None:
            self._open_epoll().unregister(wish.descriptor)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell resets until cancelled."""
        task_status.started()
        if not HAVE_EPOLL:
            await trio.sleep_forever()
        epoll = self._open_epoll()
        try:
            while True:
                await trio.lowlevel.wait_readable(epoll.fileno())
                self._tell(epoll.poll(timeout=0))
        finally:
            self._close_epoll()

    def _open_epoll(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
        return self._epoll

    def _close_epoll(self) -> None:
        self._wishes.clear()
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None

    def _tell(self, events: list[tuple[int, int]]) -> None:
        # Whose they are is looked up before anyone is called: a callback may close a socket that
        # stands later in this batch, and open another one that is given the same number.
        broken = [self._wishes.get(number) for number, event in events if event & select.EPOLLERR]
        for wish in broken:
            if wish is not None and self._wishes.get(wish.descriptor) is wish:
                del self._wishes[wish.descriptor]
                self._open_epoll().unregister(wish.descriptor)
                wish.callback()
