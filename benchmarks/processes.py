"""Processes that the benchmark starts: ended by it, and measured through /proc."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
KIB = 1024

# Seconds that a server may take to start, and to stop.
_PATIENCE = 10
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchmarkError(Exception):
    """Something cannot be measured; the message is a sentence that says why."""


@attrs.frozen
class Process:
    """A running server."""

    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads, user and system, to a hundredth."""
        return cpu_seconds(self._told("stat"))

    def resident(self) -> int:
        """Return the bytes of memory that it holds."""
        return resident(self._told("smaps_rollup"))

    def _told(self, name: str) -> str:
        try:
            return Path(f"/proc/{self.pid}/{name}").read_text()
        except OSError:
            raise BenchmarkError(f"process {self.pid} has died") from None


def cpu_seconds(stat: str) -> float:
    """Read utime and stime out of /proc/PID/stat: fields 14 and 15, proc(5)."""
    # The second field is the name in parentheses, with spaces perhaps.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(smaps_rollup: str) -> int:
    """Read the bytes of `Rss` out of /proc/PID/smaps_rollup, which counts in KiB."""
    for line in smaps_rollup.splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * KIB
    raise BenchmarkError("smaps_rollup has no line Rss")


def find_program(name: str) -> str | None:
    """Return the path of an installed program, or None."""
    # Debian keeps servers where only root's PATH leads to.
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def program(name: str) -> str:
    """Return the path of a program that must be there; raises BenchmarkError."""
    path = find_program(name)
    if path is None:
        raise BenchmarkError(f"{name} is not installed")
    return path


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody has at the moment."""
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def running(command: Sequence[str], *, port: int, log: Path) -> Iterator[Process]:
    """Run a server while the block runs; it has begun to listen at `port` then.

    Raises BenchmarkError with what it said (in the file `log`) when it does not start.
    """
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_listening(popen, port, log)
        yield Process(popen.pid)
    finally:
        _end(popen)


def _wait_listening(popen: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while popen.poll() is None and time.monotonic() < deadline:
        with closing(socket.socket()) as client:
            if client.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    said = log.read_text(errors="replace")[-500:]
    raise BenchmarkError(f"{log.stem} did not start. {said}")


def _end(popen: subprocess.Popen[bytes]) -> None:
    popen.terminate()
    try:
        popen.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()


def output_of(command: Sequence[str], *, within: float) -> str:
    """Run a client to its end and return what it printed.

    Raises BenchmarkError when it fails, or is not done `within` so many seconds.
    """
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=within
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{Path(command[0]).name} took more than {within:.0f} s") from None
    if done.returncode:
        said = (done.stderr + done.stdout).strip()[-300:]
        raise BenchmarkError(f"{Path(command[0]).name} failed: {said}")
    return done.stdout
