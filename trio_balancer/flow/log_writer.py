"""The thread that writes the log, and the bounded queue before it.

A pipe that nobody reads blocks `write` for ever, and a disk may take seconds; neither may hold
up the data. So lines are collected here, handed over in batches, and written by one daemon
thread. When it falls behind, new lines are dropped and counted.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.flow.log_output import Output

MAX_LINES = 10_000
MAX_CHARACTERS = 16 * 1024 * 1024


@attrs.frozen
class WriterStatistics:
    """Lines written, dropped (no room, or a write that failed), and waiting."""

    written: int
    dropped: int
    pending: int


@attrs.define(eq=False)
class _Tally:
    """Counts that one side alone adds to and the other reads, so that they need no lock."""

    lines: int = 0
    characters: int = 0
    dropped: int = 0


class Writer:
    """Writes lines to an `Output` without ever making the caller wait.

    All methods belong to one thread, the caller's. `describe_loss` turns a number of lost lines
    into the line that tells it; the writer's own thread calls it.
    """

    def __init__(self, output: Output, describe_loss: Callable[[int], str]) -> None:
        self._output = output
        self._describe_loss = describe_loss
        self._collected: deque[str] = deque()
        self._batches: SimpleQueue[list[str] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="trio-balancer-log", daemon=True)
        self._taken = _Tally()
        self._finished = _Tally()
        self._written = 0
        self._told = 0
        self._closed = False

    def put(self, line: str) -> None:
        """Collect a line for the next batch, or drop it where there is no room."""
        if self._closed or not self._has_room(len(line)):
            self._taken.dropped += 1
            return
        self._taken.lines += 1
        self._taken.characters += len(line)
        self._collected.append(line)

    def _has_room(self, characters: int) -> bool:
        taken, finished = self._taken, self._finished
        return (
            taken.lines - finished.lines < MAX_LINES
            and taken.characters - finished.characters + characters <= MAX_CHARACTERS
        )

    def hand_over(self) -> None:
        """Wake the thread with all that was collected."""
        if self._collected:
            self._batches.put(list(self._collected))
            self._collected.clear()
            self._start()

    def _start(self) -> None:
        # Not before there is something to write: whoever logs nothing has no thread.
        if self._thread.ident is None:
            self._thread.start()

    def close(self, timeout: float) -> None:
        """Write what is left, waiting at most `timeout` seconds; later lines are dropped.

        A thread that is stuck is left behind: it dies with the process.
        """
        if self._closed:
            return
        self._closed = True
        self.hand_over()
        self._batches.put(None)
        self._start()
        self._thread.join(timeout)

    def statistics(self) -> WriterStatistics:
        """Count the lines."""
        return WriterStatistics(
            written=self._written,
            dropped=self._dropped(),
            pending=self._taken.lines - self._finished.lines,
        )

    def _dropped(self) -> int:
        return self._taken.dropped + self._finished.dropped

    # From here on: the thread.

    def _run(self) -> None:
        for batch in iter(self._batches.get, None):
            self._write(batch)
        self._output.close()

    def _write(self, batch: list[str]) -> None:
        lost = self._output.write(batch)
        self._written += len(batch) - lost
        self._finished.dropped += lost
        self._finished.lines += len(batch)
        self._finished.characters += sum(map(len, batch))
        if not lost:
            self._tell_losses()

    def _tell_losses(self) -> None:
        # Only after a batch that was written whole: there, the next line is likely to arrive.
        dropped = self._dropped()
        if dropped == self._told:
            return
        line = self._describe_loss(dropped - self._told)
        if not self._output.write([line]):
            self._told = dropped
