"""Listening sockets that this process was started with, as systemd's socket units give them.

They belong to whoever opened them, who goes on listening when this process ends: clients wait in
the queue for the next one. So they are neither unlinked nor shut down here, and a listener works
on a duplicate, so that a reload may come back to a socket which it has let go.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import final

import attrs
import trio

from trio_balancer.network.kernel import os_error
from trio_balancer.network.socket_listener import SocketListener

RETRY = 0.1  # seconds after an accept that failed: no descriptor may be free
_NO_LINGER = struct.pack("ii", 1, 0)  # close with a reset
_FAMILIES = {socket.AF_INET, socket.AF_INET6, socket.AF_UNIX}


@final
class InheritedListener(SocketListener):
    """A listener that, paused, resets clients as they come: to refuse them is not in its power.

    What `shutdown` does to a socket would hold for its owner as well, and outlive this process.
    """

    def pause(self) -> None:
        """Turn clients away from now on."""
        self._check_open()
        if self._resumed is None:
            self._resumed = trio.Event()

    def resume(self) -> None:
        """Accept clients again."""
        self._check_open()
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    async def _sit_out(self, resumed: trio.Event) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._turn_away, resumed)
            await resumed.wait()
            nursery.cancel_scope.cancel()

    async def _turn_away(self, resumed: trio.Event) -> None:
        with suppress(trio.ClosedResourceError):
            while not resumed.is_set():
                await trio.lowlevel.wait_readable(self.socket)
                # Woken by the first client after the pause, it is too late to be cancelled.
                if not resumed.is_set():
                    await _reset_next(self.socket)


async def _reset_next(listening: socket.socket) -> None:
    try:
        client, _name = listening.accept()
    except OSError:
        await trio.sleep(RETRY)
        return
    with client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


@attrs.frozen
class InheritedSockets:
    """The names of inherited sockets by their descriptors; names need not be different."""

    names: Mapping[int, str]

    def take(self, name: str) -> socket.socket:
        """Return a duplicate of the socket with this name or number, which does not block.

        Raises OSError with a sentence when there is none, more than one, or when it is no socket
        that accepts streams of bytes.
        """
        sock = _duplicate(self._find(name))
        try:
            _check(sock)
            sock.settimeout(0)
        except OSError:
            sock.close()
            raise
        return sock

    def _find(self, name: str) -> int:
        found = [fd for fd, known in self.names.items() if name in (known, str(fd))]
        if len(found) == 1:
            return found[0]
        if not self.names:
            text = "this process has inherited no sockets (LISTEN_FDS, systemd.socket(5))"
        elif not found:
            known = ", ".join(f"{known} (fd@{fd})" for fd, known in self.names.items())
            text = f"no inherited socket has this name; there are {known}"
        else:
            text = f"the name is not unique: write {' or '.join(f'fd@{fd}' for fd in found)}"
        raise os_error(errno.ENOENT, text)


def _duplicate(descriptor: int) -> socket.socket:
    duplicate = os.dup(descriptor)
    try:
        return socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)
        raise os_error(errno.ENOTSOCK, f"descriptor {descriptor} is no socket") from None


def _check(sock: socket.socket) -> None:
    if sock.family not in _FAMILIES or sock.type != socket.SOCK_STREAM:
        raise os_error(errno.EPROTOTYPE, "the inherited socket is neither TCP nor a Unix stream")
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        # A connection, as of a socket unit with Accept=yes.
        raise os_error(errno.EINVAL, "the inherited socket does not listen")
