"""Unix listening sockets: who may have the path, with which mode, and who removes it.

A socket file outlives its process, so a path that exists is no proof that anybody listens. A
starter therefore dials it: refused means stale, and a stale socket file is replaced. Nothing
but a socket is ever removed.

Two starters must not do this at the same time, or one removes the socket that the other has just
bound and leaves it listening where no one can reach it. So they take turns by `flock` on the
directory, which leaves no lock file behind and is let go by the kernel when a process dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.network.kernel import check_path, os_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TURN_INTERVAL = 0.01  # seconds between tries for the lock; it is held for a few system calls,
TURN_PATIENCE = 5.0  # so that whoever holds it longer than this is not one of us

# How a dial finds somebody: connected, a full backlog, a datagram socket (somebody's syslog).
_IN_USE = {0, errno.EAGAIN, errno.EPROTOTYPE}


@attrs.frozen
class UnixPath:
    """The file of a bound socket, told from a later one at the same path."""

    path: str
    device: int
    inode: int

    def unlink(self) -> None:
        """Remove the file if it is still ours; one that is gone or another's is left alone.

        The number of our inode cannot be given to another file while our socket is open.
        """
        with suppress(OSError):
            if _identity(self.path) == self:
                Path(self.path).unlink()


async def bind_unix(path: str, mode: int | None, backlog: int) -> tuple[socket.socket, UnixPath]:
    """Bind and listen with exactly this file mode (None: what the umask leaves of 0777).

    Raises OSError: EADDRINUSE when somebody listens there, EEXIST when the path is anything
    but a socket.
    """
    check_path(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        async with _our_turn(path):
            _remove_stale(path)
            _bind(sock, path, mode)
            sock.listen(backlog)
            return sock, _identity(path)
    except BaseException:
        sock.close()
        raise


def put_deaf(path: UnixPath) -> tuple[socket.socket, UnixPath]:
    """Put a socket that refuses clients in the place of ours that listens, with the same mode.

    One that was shut down could not listen again, as TCP's can. Raises OSError, also where the
    file is not ours any more.
    """
    mode = stat.S_IMODE(os.lstat(path.path).st_mode)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        path.unlink()
        _bind(sock, path.path, mode)
        return sock, _identity(path.path)
    except BaseException:
        sock.close()
        raise


@asynccontextmanager
async def _our_turn(path: str) -> AsyncIterator[None]:
    directory = os.open(Path(path).parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with trio.move_on_after(TURN_PATIENCE) as patience:
            while not _lock(directory):  # noqa: ASYNC110  # another process sets no event
                await trio.sleep(TURN_INTERVAL)
        if patience.cancelled_caught:
            text = f"another program keeps the directory of {path!r} locked (flock)"
            raise os_error(errno.EBUSY, text)
        yield
    finally:
        os.close(directory)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_stale(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        text = f"{path!r} exists and is not a socket, so it is not replaced"
        raise os_error(errno.EEXIST, text)
    code = _dial(path)
    if code in _IN_USE:
        raise os_error(errno.EADDRINUSE, f"another process listens at {path!r}")
    if code != errno.ECONNREFUSED:
        text = f"cannot tell whether anybody listens at {path!r}: {os.strerror(code)}"
        raise os_error(code, text)
    Path(path).unlink()


def _dial(path: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(0)
        return sock.connect_ex(path)


def _bind(sock: socket.socket, path: str, mode: int | None) -> None:
    if mode is None:
        sock.bind(path)
        return
    # bind makes the file with 0777 less the umask. A chmod afterwards would leave a moment with
    # the wrong mode, and would follow a link put in our place. The umask is the whole process's:
    # it is ours for one system call, without an await.
    before = os.umask(0o777 & ~mode)
    try:
        sock.bind(path)
    finally:
        os.umask(before)


def _identity(path: str) -> UnixPath:
    found = os.lstat(path)
    return UnixPath(path, found.st_dev, found.st_ino)
