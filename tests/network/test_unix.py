# ruff: noqa: ASYNC240  # files of a temporary directory do not block
from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.network import unix
from trio_balancer.network.unix import UnixPath, bind_unix, put_deaf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.sock"


@pytest.fixture
def umask() -> Iterator[int]:
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def leave_stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


async def listen(path: Path, mode: int | None = None) -> tuple[socket.socket, UnixPath]:
    return await bind_unix(str(path), mode, 10)


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666, 0o777])
async def test_mode_is_exact_and_the_umask_is_left_alone(path: Path, umask: int, mode: int) -> None:
    sock, _ours = await listen(path, mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.umask(umask) == umask
    sock.close()


async def test_without_a_mode_the_umask_says(path: Path, umask: int) -> None:
    sock, _ours = await listen(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~umask
    sock.close()


async def test_umask_is_restored_when_binding_fails(umask: int, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(OSError, match="in use"):
        unix._bind(sock, str(tmp_path), 0o600)
    assert os.umask(umask) == umask


async def test_stale_socket_is_replaced(path: Path) -> None:
    leave_stale(path)
    sock, _ours = await listen(path)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    sock.close()


async def test_live_socket_is_left_alone(path: Path) -> None:
    sock, _ours = await listen(path)
    with pytest.raises(OSError, match="another process listens at") as excinfo:
        await listen(path)
    assert excinfo.value.errno == errno.EADDRINUSE
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    sock.close()


async def test_live_datagram_socket_is_left_alone(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        with pytest.raises(OSError, match="another process listens at"):
            await listen(path)
    assert path.is_socket()


async def test_socket_that_may_not_be_dialled_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_stale(path)
    monkeypatch.setattr(unix, "_dial", lambda _path: errno.EACCES)
    with pytest.raises(PermissionError, match="cannot tell whether anybody listens"):
        await listen(path)
    assert path.is_socket()


async def test_regular_file_is_never_removed(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="is not a socket, so it is not replaced"):
        await listen(path)
    assert path.read_text() == "precious"


async def test_link_is_never_removed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.sock"
    leave_stale(target)
    path.symlink_to(target)
    with pytest.raises(FileExistsError, match="is not a socket"):
        await listen(path)
    assert path.is_symlink()
    assert target.is_socket()


async def test_directory_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await listen(tmp_path / "missing" / "web.sock")


async def test_long_path_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="at most 107 bytes"):
        await listen(tmp_path / ("x" * 200))


async def test_relative_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    sock, ours = await bind_unix(path.name, None, 10)
    assert path.is_socket()
    ours.unlink()
    assert not path.exists()
    sock.close()


async def test_path_of_another_is_not_unlinked(path: Path) -> None:
    sock, ours = await listen(path)
    path.unlink()
    ours.unlink()
    later, theirs = await listen(path)
    ours.unlink()
    assert path.is_socket()
    sock.close()
    theirs.unlink()
    assert not path.exists()
    later.close()


async def test_starters_take_turns(path: Path) -> None:
    leave_stale(path)
    stale = path.stat().st_ino
    directory = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    bound: list[socket.socket] = []

    async def start() -> None:
        sock, _ours = await listen(path)
        bound.append(sock)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(start)
        await wait_all_tasks_blocked()
        assert not bound
        assert path.stat().st_ino == stale
        os.close(directory)
    bound[0].close()


async def test_cancelled_while_waiting_for_its_turn_leaves_nothing(path: Path) -> None:
    directory = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, path)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    os.close(directory)
    assert not path.exists()


async def test_a_directory_that_stays_locked_is_an_error(
    path: Path, autojump_clock: MockClock
) -> None:
    directory = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_SH)
    with pytest.raises(OSError, match="keeps the directory of") as excinfo:
        await listen(path)
    assert excinfo.value.errno == errno.EBUSY
    os.close(directory)


async def test_of_two_starters_one_wins(path: Path) -> None:
    leave_stale(path)
    outcomes: list[str] = []
    bound: list[socket.socket] = []

    async def start() -> None:
        try:
            sock, _ours = await listen(path)
        except OSError as exc:
            outcomes.append(exc.strerror or "")
        else:
            outcomes.append("bound")
            bound.append(sock)

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(start)
    assert outcomes.count("bound") == 1
    for sock in bound:
        sock.close()


async def test_a_deaf_socket_in_the_place_of_ours(path: Path) -> None:
    sock, ours = await listen(path, 0o640)
    deaf, now_ours = put_deaf(ours)
    assert unix._dial(str(path)) == errno.ECONNREFUSED
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert now_ours != ours
    sock.close()
    deaf.listen(1)
    assert unix._dial(str(path)) == 0
    ours.unlink()
    assert path.exists(), "the old one does not remove the new one's file"
    now_ours.unlink()
    assert not path.exists()
    deaf.close()


async def test_no_deaf_socket_in_the_place_of_another(path: Path) -> None:
    sock, ours = await listen(path)
    path.unlink()
    other, theirs = await listen(path)
    with pytest.raises(OSError, match="in use"):
        put_deaf(ours)
    assert unix._dial(str(path)) == 0
    theirs.unlink()
    with pytest.raises(FileNotFoundError):
        put_deaf(ours)
    sock.close()
    other.close()
