from __future__ import annotations

import os
import re
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import trio
from support.eventually import eventually
from support.process import balancer, config_text
from support.servers import ask, echo_server

from trio_balancer import Balancer, parse_config, serve
from trio_balancer.flow import log_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

COUNT = 400  # of lines of about 350 bytes: more than a pipe's 64 KiB


def _ask_often(port: int) -> list[bytes]:
    return [ask(port) for _ in range(COUNT)]


def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend, log='file = "/dev/full"')) as process,
    ):
        assert _ask_often(process.port) == [b"hello"] * COUNT
        assert process.stop() == 0
    assert process.stderr() == ""


def test_full_standard_output(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with (
            echo_server() as backend,
            balancer(tmp_path, config_text(backend), stdout=full) as process,
        ):
            assert _ask_often(process.port) == [b"hello"] * COUNT
            assert process.stop() == 0
    finally:
        os.close(full)
    assert process.stderr() == ""


def test_standard_output_that_nobody_reads(tmp_path: Path) -> None:
    with _pipe() as (reading, writing), echo_server() as backend:
        with balancer(tmp_path, config_text(backend), stdout=writing) as process:
            assert _ask_often(process.port) == [b"hello"] * COUNT
            assert process.stop() == 0
        written = os.read(reading, 1 << 20).count(b" connection number=")
        assert 0 < written < COUNT
    assert process.stderr() == ""


def test_standard_output_whose_reader_is_gone(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend), stdout=writing) as process,
    ):
        os.close(writing)
        assert ask(process.port) == b"hello"
        os.close(reading)
        assert [ask(process.port) for _ in range(50)] == [b"hello"] * 50
        assert process.stop() == 0
    assert process.stderr() == ""


async def _start(nursery: trio.Nursery, backend: int, file: str) -> tuple[Balancer, int]:
    config = parse_config(config_text(backend, log=f'file = "{file}"'))
    running: Balancer = await nursery.start(partial(serve, config))
    return running, int(str(running.addresses["web"][0]).rpartition(":")[2])


async def test_lines_that_a_full_disk_lost_are_counted() -> None:
    with echo_server() as backend:
        async with trio.open_nursery() as nursery:
            running, port = await _start(nursery, backend, "/dev/full")
            assert await trio.to_thread.run_sync(_ask_often, port) == [b"hello"] * COUNT
            await eventually(lambda: running.log.statistics().dropped > COUNT)
            assert running.log.statistics().written == 0
            running.drain()


async def test_lines_that_a_stuck_pipe_lost_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_writer, "MAX_LINES", 100)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with echo_server() as backend:
        async with trio.open_nursery() as nursery:
            running, port = await _start(nursery, backend, str(pipe))
            assert await trio.to_thread.run_sync(_ask_often, port) == [b"hello"] * COUNT
            await eventually(lambda: running.statistics().traffic.endings["--"] == COUNT)
            dropped = running.log.statistics().dropped
            assert dropped > 0
            log = await _read_until(reading, "Log lines were lost")
            running.drain()
    lost = int(re.findall(r" lost=(\d+)", log)[-1])
    assert lost == dropped
    assert log.count(" connection number=") + lost == COUNT
    os.close(reading)


async def _read_until(reading: int, text: str) -> str:
    log = b""

    def found() -> bool:
        nonlocal log
        try:
            log += os.read(reading, 1 << 16)
        except BlockingIOError:
            return False
        return text.encode() in log and log.endswith(b"\n")

    await eventually(found)
    return log.decode()


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)
