"""Where log lines go; `put` never waits, whatever is at the other end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.flow.log_output import Output, open_output
from trio_balancer.flow.log_writer import Writer
from trio_balancer.network.errors import describe

if TYPE_CHECKING:
    from collections.abc import Callable

# Waking the thread for each line would make it and the data take turns at the interpreter lock,
# at 5 ms a turn. So it is woken at most this often, with all that has come together.
BATCH_SECONDS = 0.05


@attrs.frozen
class SinkStatistics:
    """Lines that arrived, and lines that were lost on the way, since the start."""

    written: int
    dropped: int


def _plain_loss(lost: int) -> str:
    return f"{lost} log lines were lost here"


class LogSink(ABC):
    """A destination of lines. All methods belong to the thread that runs trio."""

    #: Whether each line needs a syslog header in front.
    syslog: bool = False
    #: Whether each line needs its priority in front, as "<6>", for systemd's journal.
    journal: bool = False
    #: Turns a number of lost lines into the line that tells it; called from any thread.
    describe_loss: Callable[[int], str] = staticmethod(_plain_loss)

    @abstractmethod
    def put(self, line: str) -> None:
        """Take one line, without its newline; never waits, drops it where there is no room."""

    @abstractmethod
    def statistics(self) -> SinkStatistics:
        """Count the lines."""

    @abstractmethod
    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Move lines along until cancelled, or until `close` was called."""

    @abstractmethod
    def close(self, timeout: float = 1.0) -> None:
        """Write what is left, waiting at most `timeout` seconds; idempotent.

        Lines that come later are dropped. Not to be called while data flows, unless with a
        timeout of 0.
        """


class ThreadedSink(LogSink):
    """Lines to an `Output`, through one daemon thread and a bounded queue."""

    def __init__(self, output: Output) -> None:
        self.syslog = output.syslog
        self.journal = output.journal
        self._writer = Writer(output, self._describe)
        self._wake = trio.Event()
        self._closed = False

    def _describe(self, lost: int) -> str:
        # Looked up when needed: the log that uses this sink sets it later.
        return self.describe_loss(lost)

    def put(self, line: str) -> None:
        """Append to the next batch; it goes out within `BATCH_SECONDS` while `run` runs."""
        self._writer.put(line)
        self._wake.set()

    def statistics(self) -> SinkStatistics:
        """Count the lines; those that still wait are in neither number."""
        counts = self._writer.statistics()
        return SinkStatistics(written=counts.written, dropped=counts.dropped)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hand batches to the thread, and never wait for it."""
        task_status.started()
        while not self._closed:
            await self._wake.wait()
            await trio.sleep(BATCH_SECONDS)
            self._wake = trio.Event()
            self._writer.hand_over()

    def close(self, timeout: float = 1.0) -> None:
        """Write what is left and stop the thread, which is left behind when it is stuck."""
        self._closed = True
        self._wake.set()
        self._writer.close(timeout)


class MemorySink(LogSink):
    """Keeps every line in `lines`; for tests, and for programs that look at the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._closed = trio.Event()

    def put(self, line: str) -> None:
        """Append to `lines`."""
        self.lines.append(line)

    def statistics(self) -> SinkStatistics:
        """Count the lines; none is ever dropped."""
        return SinkStatistics(written=len(self.lines), dropped=0)

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Park until `close` is called."""
        task_status.started()
        await self._closed.wait()

    def close(self, timeout: float = 1.0) -> None:  # noqa: ARG002 - nothing to wait for
        """Let `run` return; the lines stay, and later ones still come in."""
        self._closed.set()


class NullSink(MemorySink):
    """Keeps nothing."""

    def put(self, line: str) -> None:
        """Forget the line."""


def open_sink(file: str) -> LogSink:
    """Open what the configuration calls `log.file`: "-", a path or "syslog:/dev/log".

    Raises OSError, with a sentence that names it, when it cannot be opened.
    """
    try:
        return ThreadedSink(open_output(file))
    except OSError as error:
        raise OSError(
            error.errno, f"the log {file!r} cannot be opened: {describe(error)}"
        ) from error
