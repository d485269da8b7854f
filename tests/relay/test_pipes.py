from __future__ import annotations

import errno
import fcntl
import os
import socket
from typing import TYPE_CHECKING

import pytest

from trio_balancer.network.kernel import os_error
from trio_balancer.relay import pipes
from trio_balancer.relay.pipes import HAVE_SPLICE, MAX_PIPES, PIPE_SIZE, Pipe, PipePool

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not HAVE_SPLICE, reason="this system has no splice")


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


@pytest.fixture
def pool() -> Iterator[PipePool]:
    made = PipePool(2)
    yield made
    made.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    one.settimeout(0)
    other.settimeout(0)
    with one, other:
        yield one, other


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, not paths


def test_pipe_counts_what_it_holds(pipe: Pipe, ends: tuple[socket.socket, socket.socket]) -> None:
    one, other = ends
    one.send(b"hello")
    assert pipe.fill_from(other.fileno(), 1 << 20) == pipe.held == 5
    assert pipe.empty_into(other.fileno()) == 5
    assert pipe.held == 0
    assert one.recv(10) == b"hello"


def test_pipe_says_when_nothing_is_there(
    pipe: Pipe, ends: tuple[socket.socket, socket.socket]
) -> None:
    with pytest.raises(BlockingIOError):
        pipe.fill_from(ends[1].fileno(), 1 << 20)
    assert pipe.held == 0
    ends[0].shutdown(socket.SHUT_WR)
    assert pipe.fill_from(ends[1].fileno(), 1 << 20) == 0


def test_pipe_takes_no_more_than_it_holds(
    pipe: Pipe, ends: tuple[socket.socket, socket.socket]
) -> None:
    pipe.held = pipe.size - 2
    ends[0].send(b"hello")
    assert pipe.fill_from(ends[1].fileno(), 1 << 20) == 2
    pipe.held = 2
    assert pipe.read_all() == b"he"


def test_pipe_is_read_into_python(pipe: Pipe, ends: tuple[socket.socket, socket.socket]) -> None:
    data = bytes(range(256)) * 100
    ends[0].send(data)
    while pipe.held < len(data):
        pipe.fill_from(ends[1].fileno(), 1 << 20)
    assert pipe.read_all() == data
    assert pipe.held == 0
    assert pipe.read_all() == b""


def test_size_is_what_the_kernel_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.fcntl

    def refuse(descriptor: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETPIPE_SZ:
            raise os_error(errno.EPERM)
        return real(descriptor, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    pipe = Pipe()
    assert pipe.size == real(pipe.write_end, fcntl.F_GETPIPE_SZ) < PIPE_SIZE
    pipe.close()


def test_pool_lends_so_many_and_no_more(pool: PipePool) -> None:
    lent = [pool.borrow() for _ in range(3)]
    assert lent[2] is None
    assert pool.lent == 2
    assert lent[0] is not None
    pool.give_back(lent[0])
    assert pool.borrow() is lent[0]
    for pipe in lent[:2]:
        assert pipe is not None
        pool.give_back(pipe)
    assert pool.lent == 0


def test_pool_throws_a_pipe_away_that_is_not_empty(pool: PipePool) -> None:
    before = open_descriptors()
    pipe = pool.borrow()
    assert pipe is not None
    pipe.held = os.write(pipe.write_end, b"somebody's")
    pool.give_back(pipe)
    assert open_descriptors() == before
    assert pool.lent == 0


def test_pool_without_descriptors_has_none(pool: PipePool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_flags: int) -> tuple[int, int]:
        raise os_error(errno.ENFILE)

    monkeypatch.setattr(os, "pipe2", fail)
    assert pool.borrow() is None
    assert pool.lent == 0


def test_pool_does_without_pipes_that_became_too_small(
    pool: PipePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is for a user who has too much in pipes already."""
    monkeypatch.setattr(pipes, "SMALLEST_PIPE", PIPE_SIZE + 1)
    before = open_descriptors()
    assert pool.borrow() is None
    assert pool.lent == 0
    assert open_descriptors() == before


def test_closed_pool_leaves_nothing_open() -> None:
    before = open_descriptors()
    pool = PipePool()
    lent = [pool.borrow() for _ in range(MAX_PIPES)]
    for pipe in lent:
        assert pipe is not None
        pool.give_back(pipe)
    assert open_descriptors() == before + 2 * MAX_PIPES
    pool.close()
    assert open_descriptors() == before
