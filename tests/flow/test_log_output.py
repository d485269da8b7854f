from __future__ import annotations

import errno
import os
import select
import socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio

from trio_balancer.flow.log_output import DescriptorOutput, SyslogOutput, open_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):  # the test may have closed it
            os.close(end)


def test_a_file_is_appended_to_and_private(tmp_path: Path) -> None:
    path = tmp_path / "balancer.log"
    before = os.umask(0)
    try:
        first = open_output(str(path))
    finally:
        os.umask(before)
    assert first.write(["one", "zwölf"]) == 0
    first.close()

    again = open_output(str(path))
    assert again.write(["three"]) == 0
    again.close()

    assert path.read_text("utf-8") == "one\nzwölf\nthree\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_output(str(tmp_path / "nowhere" / "balancer.log"))


def test_a_named_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)

    with pytest.raises(OSError, match="No such device"):
        open_output(str(path))


def test_standard_output_is_written_and_left_open(capfd: pytest.CaptureFixture[str]) -> None:
    output = open_output("-")

    assert output.write(["hello"]) == 0
    output.close()
    assert output.write(["again"]) == 0

    assert capfd.readouterr().out == "hello\nagain\n"


def test_what_utf8_cannot_say_is_no_error(pipe: tuple[int, int]) -> None:
    reader, writer = pipe

    assert DescriptorOutput(writer, owned=False).write(["\udcff"]) == 0

    assert os.read(reader, 100) == b"\\udcff\n"


def test_a_full_disk_loses_lines() -> None:
    output = DescriptorOutput(os.open("/dev/full", os.O_WRONLY), owned=True)

    assert output.write(["one", "two"]) == 2
    assert output.write(["three"]) == 1
    output.close()


def test_a_pipe_whose_reader_is_gone_loses_lines(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)

    assert DescriptorOutput(writer, owned=False).write(["one", "two"]) == 2


def test_a_closed_descriptor_loses_lines(pipe: tuple[int, int]) -> None:
    output = DescriptorOutput(pipe[1], owned=True)
    output.close()
    output.close()

    assert output.write(["one"]) == 1


class Disk:
    """Takes so many bytes, then is full."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.data = b""

    def write(self, _descriptor: int, data: bytes | memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = bytes(data)[: self.room]
        self.data += taken
        self.room -= len(taken)
        return len(taken)


@pytest.mark.parametrize(
    ("room", "lost", "then"),
    [
        (0, 2, b"three\n"),
        (2, 2, b"on\nthree\n"),
        (4, 1, b"one\nthree\n"),
        (5, 1, b"one\nt\nthree\n"),
        (8, 0, b"one\ntwo\nthree\n"),
    ],
)
def test_a_line_torn_by_a_full_disk_does_not_swallow_the_next(
    monkeypatch: pytest.MonkeyPatch, room: int, lost: int, then: bytes
) -> None:
    disk = Disk(room)
    monkeypatch.setattr(os, "write", disk.write)
    output = DescriptorOutput(99, owned=False)

    assert output.write(["one", "two"]) == lost
    disk.room = 0
    assert output.write(["lost"]) == 1
    disk.room = 100
    assert output.write(["three"]) == 0

    assert disk.data == then


async def test_a_descriptor_that_someone_made_non_blocking_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    lines = [f"line {n:06d}" for n in range(50_000)]
    received = bytearray()
    lost = None
    write_some, writes = os.write, 0

    def count_write(descriptor: int, data: bytes) -> int:
        nonlocal writes
        writes += descriptor == writer
        return write_some(descriptor, data)

    async def write() -> None:
        nonlocal lost
        lost = await trio.to_thread.run_sync(DescriptorOutput(writer, owned=True).write, lines)
        os.close(writer)

    monkeypatch.setattr(os, "write", count_write)
    async with trio.open_nursery() as nursery, trio.lowlevel.FdStream(os.dup(reader)) as stream:
        nursery.start_soon(write)
        async for chunk in stream:
            received += chunk

    assert lost == 0
    assert received.decode().splitlines() == lines
    # Each time the pipe has room for a page: one write that takes it, one that finds it full.
    assert writes <= 2 * (len(received) // select.PIPE_BUF + 1)


def test_a_named_pipe_with_a_reader_is_written(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    output = open_output(str(path))

    assert output.write(["hello"]) == 0

    assert os.read(reader, 100) == b"hello\n"
    output.close()
    os.close(reader)


def test_standard_output_is_the_journal_when_systemd_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = os.fstat(1)
    for told, is_journal in {
        f"{out.st_dev}:{out.st_ino}": True,
        f"{out.st_dev}:{out.st_ino + 1}": False,
        "": False,
    }.items():
        monkeypatch.setenv("JOURNAL_STREAM", told)
        assert open_output("-").journal is is_journal
    monkeypatch.delenv("JOURNAL_STREAM")
    assert not open_output("-").journal


def test_a_file_is_not_the_journal(tmp_path: Path) -> None:
    output = open_output(str(tmp_path / "log"))
    assert not output.journal
    output.close()


class Daemon:
    """A syslog daemon's socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(10)

    def stop(self) -> None:
        self.socket.close()
        self._path.unlink()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "log")
    yield daemon
    daemon.socket.close()


def test_syslog_gets_one_datagram_a_line(daemon: Daemon, tmp_path: Path) -> None:
    output = open_output(f"syslog:{tmp_path / 'log'}")

    assert output.syslog
    assert output.write(["<134>one", "<134>two"]) == 0
    output.close()
    output.close()

    assert daemon.socket.recv(100) == b"<134>one"
    assert daemon.socket.recv(100) == b"<134>two"


def test_a_syslog_daemon_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_output(f"syslog:{tmp_path / 'log'}")


def test_a_restarted_syslog_daemon_misses_no_line(daemon: Daemon, tmp_path: Path) -> None:
    output = SyslogOutput(str(tmp_path / "log"))
    daemon.stop()
    again = Daemon(tmp_path / "log")

    assert output.write(["one"]) == 0

    assert again.socket.recv(100) == b"one"
    output.close()
    again.stop()


def test_lines_are_lost_while_the_syslog_daemon_is_away(daemon: Daemon, tmp_path: Path) -> None:
    output = SyslogOutput(str(tmp_path / "log"))
    daemon.stop()
    assert output.write(["one", "two"]) == 2

    again = Daemon(tmp_path / "log")
    assert output.write(["three"]) == 0

    assert again.socket.recv(100) == b"three"
    output.close()
    again.stop()


def test_a_syslog_daemon_that_is_stuck_loses_lines_and_then_goes_on(
    daemon: Daemon, tmp_path: Path
) -> None:
    output = SyslogOutput(str(tmp_path / "log"))
    taken = 0
    while output.write([f"line {taken}"]) == 0:
        taken += 1

    for n in range(taken):
        assert daemon.socket.recv(100) == b"line %d" % n
    assert output.write(["again"]) == 0
    assert daemon.socket.recv(100) == b"again"
    output.close()
