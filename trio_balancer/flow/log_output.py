"""Where the log's bytes end: a descriptor, or the datagrams of a syslog daemon.

These calls may block for as long as the other side pleases, so only the writer's thread makes
them. (Setting O_NONBLOCK instead would change standard output for all who share it.)
"""

from __future__ import annotations

import os
import select
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STDOUT = 1
_MODE = 0o640
# A syslog daemon's queue is short (`net.unix.max_dgram_qlen`), so that a burst must wait for it
# a little. One that is stuck takes ten lines a second; the rest is dropped before it gets here.
_SYSLOG_PATIENCE = 0.1


class Output(ABC):
    """A destination of lines; used by one thread at a time."""

    #: Whether each line needs a syslog header in front.
    syslog = False
    #: Whether it is systemd's journal, which takes the priority from the front of each line.
    journal = False

    @abstractmethod
    def write(self, lines: Sequence[str]) -> int:
        """Write the lines, waiting as long as it takes; return how many were lost.

        It never raises OSError: a full disk or a broken pipe loses lines.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of what was opened."""


class DescriptorOutput(Output):
    """A file, a pipe or a terminal; one newline after each line."""

    def __init__(self, descriptor: int, *, owned: bool, journal: bool = False) -> None:
        self._descriptor = descriptor
        self._owned = owned
        self.journal = journal
        self._torn = False

    def write(self, lines: Sequence[str]) -> int:
        """Write; a line torn by a full disk is ended before the next one begins."""
        text = "".join(f"{line}\n" for line in lines)
        data = text.encode("utf-8", "backslashreplace")
        if self._torn:
            data = b"\n" + data
        written = self._write_all(data)
        if written:
            self._torn = not data.endswith(b"\n", 0, written)
        return min(data.count(b"\n", written), len(lines))

    def _write_all(self, data: bytes) -> int:
        written = 0
        with memoryview(data) as view, suppress(OSError):
            while written < len(data):
                written += self._write_some(view[written:])
        return written

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            # A named pipe, or someone who shares the descriptor has set O_NONBLOCK on it.
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            poll.poll()
            return 0

    def close(self) -> None:
        """Close the descriptor, if it is ours; what is wrong now was counted before."""
        if self._owned:
            with suppress(OSError):
                os.close(self._descriptor)


class SyslogOutput(Output):
    """A syslog daemon's Unix socket, one datagram for each line."""

    syslog = True

    def __init__(self, path: str) -> None:
        """Connect; raises OSError when nobody is there."""
        self._path = path
        self._socket: socket.socket | None = self._connect()

    def write(self, lines: Sequence[str]) -> int:
        """Send each line."""
        return sum(not self._send(line.encode("utf-8", "backslashreplace")) for line in lines)

    def _send(self, datagram: bytes) -> bool:
        """Send one datagram; tell whether it was taken."""
        with suppress(OSError):
            if self._socket is None:
                self._socket = self._connect()
            try:
                self._socket.send(datagram)
            except TimeoutError:
                return False
            except OSError:
                # The daemon was restarted: its new socket has the old path.
                self.close()
                self._socket = self._connect()
                self._socket.send(datagram)
            return True
        return False

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            connection.settimeout(_SYSLOG_PATIENCE)
            connection.connect(self._path)
        except OSError:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the socket, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def open_output(file: str) -> Output:
    """Open "-" (standard output), "syslog:/dev/log" or a path; raises OSError.

    A file is appended to and made with mode 0640.
    """
    if file == "-":
        return DescriptorOutput(STDOUT, owned=False, journal=_is_journal(STDOUT))
    if file.startswith("syslog:"):
        return SyslogOutput(file.removeprefix("syslog:"))
    return DescriptorOutput(_open_file(file), owned=True)


def _is_journal(descriptor: int) -> bool:
    """Whether this descriptor leads to systemd's journal; `JOURNAL_STREAM` in systemd.exec(5)."""
    found = os.fstat(descriptor)
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _open_file(path: str) -> int:
    # O_NONBLOCK: to open a named pipe that nobody reads is an error, not a wait without end.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    return os.open(path, flags, _MODE)
