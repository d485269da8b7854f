from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from trio_balancer.flow.log_output import DescriptorOutput
from trio_balancer.flow.log_sink import (
    BATCH_SECONDS,
    MemorySink,
    NullSink,
    SinkStatistics,
    ThreadedSink,
    open_sink,
)
from trio_balancer.flow.log_writer import MAX_LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)


def fill(writer: int) -> int:
    """Leave no room in the pipe; return how many bytes that took."""
    os.set_blocking(writer, False)
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    return filled


async def until(condition: Callable[[], object]) -> None:
    while not condition():  # noqa: ASYNC110 - a thread changes it and cannot set an event
        await trio.sleep(BATCH_SECONDS)


async def read_until(stream: trio.lowlevel.FdStream, end: bytes) -> bytes:
    received = bytearray()
    while end not in received:
        received += await stream.receive_some()
    return bytes(received)


async def test_lines_arrive_while_the_service_runs(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sink = ThreadedSink(DescriptorOutput(writer, owned=True))
    sink.put("before the start")

    async with trio.lowlevel.FdStream(os.dup(reader)) as stream, trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        sink.put("after")
        assert await read_until(stream, b"after\n") == b"before the start\nafter\n"
        sink.put("again")
        assert await read_until(stream, b"again\n") == b"again\n"
        sink.close()

    assert sink.statistics() == SinkStatistics(written=3, dropped=0)


async def test_a_pipe_that_nobody_reads_blocks_nobody(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    filled = fill(writer)
    sink = ThreadedSink(DescriptorOutput(writer, owned=True))
    async with trio.lowlevel.FdStream(os.dup(reader)) as stream, trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        for n in range(50_000):
            sink.put(f"line {n}")
            if n % 1000 == 0:
                await trio.lowlevel.checkpoint()
        dropped = sink.statistics().dropped
        assert dropped == 50_000 - MAX_LINES

        received = await read_until(stream, b"lost here\n")
        sink.close()

    assert received[filled:].decode().splitlines() == [
        *(f"line {n}" for n in range(MAX_LINES)),
        f"{dropped} log lines were lost here",
    ]
    assert sink.statistics() == SinkStatistics(written=MAX_LINES, dropped=dropped)


async def test_a_full_disk_that_gets_room_again(tmp_path: Path) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    sink = ThreadedSink(DescriptorOutput(descriptor, owned=True))
    path = tmp_path / "log"

    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        sink.put("lost")
        await until(lambda: sink.statistics().dropped)
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
        sink.put("kept")
        await until(lambda: sink.statistics().written)
        sink.close()

    assert path.read_text() == "kept\n1 log lines were lost here\n"


async def test_lines_put_after_the_service_ended_are_written_by_close(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "log"))
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        sink.put("one")
        nursery.cancel_scope.cancel()
    sink.put("two")

    sink.close()

    assert (tmp_path / "log").read_text() == "one\ntwo\n"


async def test_batches_in_virtual_time_wait_for_no_thread(
    autojump_clock: trio.testing.MockClock, pipe: tuple[int, int]
) -> None:
    reader, writer = pipe
    sink = ThreadedSink(DescriptorOutput(writer, owned=True))
    filled = fill(writer)
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        started = trio.current_time()
        for n in range(3):
            sink.put(f"line {n}")
            await trio.sleep(1)
        assert trio.current_time() == pytest.approx(started + 3)
        sink.close(timeout=0)
    assert sink.statistics() == SinkStatistics(written=0, dropped=0)

    assert os.read(reader, filled) == b"x" * filled
    sink._writer._thread.join()
    assert os.read(reader, 100) == b"line 0\nline 1\nline 2\n"


STUCK = """
from trio_balancer.flow.log_sink import open_sink
sink = open_sink("-")
for n in range(10_000):
    sink.put("x" * 1000)
sink.close(timeout=0.1)
"""


def test_a_stuck_pipe_does_not_keep_the_process_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE) as process:
        assert process.wait(timeout=30) == 0


async def test_the_service_sleeps_while_there_is_nothing_to_write(
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
    pipe: tuple[int, int],
) -> None:
    sink = ThreadedSink(DescriptorOutput(pipe[1], owned=True))
    batches: list[float] = []
    started = 0.0
    monkeypatch.setattr(
        sink._writer, "hand_over", lambda: batches.append(trio.current_time() - started)
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        await trio.sleep(1)
        started = trio.current_time()
        for _ in range(10):
            sink.put("line")
            await trio.sleep(BATCH_SECONDS / 20)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    monkeypatch.undo()
    sink.close()

    assert batches == [pytest.approx(BATCH_SECONDS)]


async def test_a_sink_in_memory_keeps_lines_and_needs_no_thread(
    autojump_clock: trio.testing.MockClock,
) -> None:
    sink = MemorySink()
    threads = threading.active_count()
    async with trio.open_nursery() as nursery:
        await nursery.start(sink.run)
        sink.put("one")
        await trio.sleep(3600)
        sink.put("two")
        assert sink.lines == ["one", "two"]
        assert threading.active_count() == threads
        sink.close()

    assert sink.statistics() == SinkStatistics(written=2, dropped=0)


def test_a_null_sink_forgets() -> None:
    sink = NullSink()

    sink.put("one")

    assert sink.lines == []
    assert sink.statistics() == SinkStatistics(written=0, dropped=0)


def test_a_sink_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_sink(str(tmp_path))
