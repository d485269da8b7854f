from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from trio_balancer.flow import log_writer
from trio_balancer.flow.log_output import Output
from trio_balancer.flow.log_writer import Writer, WriterStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence


class Gate(Output):
    """Writes when `opened`; loses all of a batch while `full`."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.threads: set[str] = set()
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.closed = threading.Event()
        self.full = False

    def write(self, lines: Sequence[str]) -> int:
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        self.opened.wait()
        if self.full:
            return len(lines)
        self.lines += lines
        return 0

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def writer(gate: Gate) -> Writer:
    return Writer(gate, lambda lost: f"{lost} lost")


def write(writer: Writer, line: str) -> None:
    writer.put(line)
    writer.hand_over()
    while writer.statistics().pending:
        os.sched_yield()


def finish(writer: Writer) -> None:
    writer.close(timeout=10)


def test_batches_are_written_in_order_by_one_named_daemon_thread(
    gate: Gate, writer: Writer
) -> None:
    gate.opened.set()
    for n in range(10):
        writer.put(str(n))
        if n % 3 == 0:
            writer.hand_over()
    assert writer._thread.daemon
    finish(writer)

    assert gate.lines == [str(n) for n in range(10)]
    assert gate.threads == {"trio-balancer-log"}
    assert writer.statistics() == WriterStatistics(written=10, dropped=0, pending=0)


def test_handing_over_nothing_starts_no_thread(writer: Writer) -> None:
    writer.hand_over()

    assert not writer._thread.is_alive()


def test_a_stuck_output_drops_what_has_no_room(
    monkeypatch: pytest.MonkeyPatch, gate: Gate, writer: Writer
) -> None:
    monkeypatch.setattr(log_writer, "MAX_LINES", 5)
    for n in range(3):
        writer.put(str(n))
    writer.hand_over()
    gate.entered.wait()
    for n in range(3, 9):
        writer.put(str(n))
    assert writer.statistics() == WriterStatistics(written=0, dropped=4, pending=5)

    gate.opened.set()
    finish(writer)

    assert writer.statistics() == WriterStatistics(written=5, dropped=4, pending=0)
    assert [line for line in gate.lines if line != "4 lost"] == list("01234")
    assert gate.lines.count("4 lost") == 1


def test_long_lines_fill_the_queue_too(monkeypatch: pytest.MonkeyPatch, writer: Writer) -> None:
    monkeypatch.setattr(log_writer, "MAX_CHARACTERS", 10)

    for line in ("123456", "12345", "1234", "1"):
        writer.put(line)

    assert list(writer._collected) == ["123456", "1234"]
    assert writer.statistics().dropped == 2


def test_room_comes_back(monkeypatch: pytest.MonkeyPatch, gate: Gate, writer: Writer) -> None:
    monkeypatch.setattr(log_writer, "MAX_CHARACTERS", 3)
    gate.opened.set()
    write(writer, "abc")

    writer.put("def")
    finish(writer)

    assert gate.lines == ["abc", "def"]


def test_failed_writes_are_told_once_writing_works_again(gate: Gate, writer: Writer) -> None:
    gate.opened.set()
    gate.full = True
    write(writer, "a")
    write(writer, "b")
    gate.full = False
    write(writer, "c")
    write(writer, "d")
    finish(writer)

    assert gate.lines == ["c", "2 lost", "d"]
    assert writer.statistics() == WriterStatistics(written=2, dropped=2, pending=0)


def test_a_loss_is_not_told_right_after_it() -> None:
    class Picky(Gate):
        def write(self, lines: Sequence[str]) -> int:
            self.full = lines == ["a"]
            return super().write(lines)

    gate = Picky()
    gate.opened.set()
    writer = Writer(gate, lambda lost: f"{lost} lost")
    write(writer, "a")
    assert gate.lines == []

    write(writer, "b")
    finish(writer)

    assert gate.lines == ["b", "1 lost"]


def test_a_loss_that_could_not_be_told_is_told_later() -> None:
    class Moody(Gate):
        def write(self, lines: Sequence[str]) -> int:
            self.full = lines == ["1 lost"]
            return super().write(lines)

    gate = Moody()
    gate.opened.set()
    writer = Writer(gate, lambda lost: f"{lost} lost")
    writer._finished.dropped = 1

    for line in ("a", "b"):
        writer._write([line])
    writer._finished.dropped = 2
    writer._write(["c"])

    assert gate.lines == ["a", "b", "c", "2 lost"]


def test_closing_writes_the_rest_and_closes_the_output(gate: Gate, writer: Writer) -> None:
    gate.opened.set()
    writer.put("last")
    finish(writer)
    finish(writer)
    writer.put("too late")

    assert gate.lines == ["last"]
    assert gate.closed.is_set()
    assert writer.statistics() == WriterStatistics(written=1, dropped=1, pending=0)


def test_closing_does_not_wait_for_a_stuck_output(gate: Gate, writer: Writer) -> None:
    writer.put("stuck")
    writer.close(timeout=0.01)

    assert writer._thread.is_alive()
    assert writer.statistics().pending == 1

    gate.opened.set()
    writer._thread.join()
    assert gate.lines == ["stuck"]
    assert gate.closed.is_set()
