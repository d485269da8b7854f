from __future__ import annotations

import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_balancer.config.model_filters import Rotation
from trio_balancer.filters.append_file import AppendFile

FOREVER = Rotation(max_size=1e9)


def open_file(
    path: Path, rotation: Rotation = FOREVER, header: bytes = b"", told: list[str] | None = None
) -> AppendFile:
    on_trouble = told.append if told is not None else print
    return AppendFile(str(path), rotation, on_trouble, header)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def short_of_space(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_pieces_are_appended_behind_a_header(tmp_path: Path) -> None:
    for _ in range(2):
        file = open_file(tmp_path / "f", header=b"head ")
        file.write(b"piece ")
        file.close()
        file.close()
    assert contents(tmp_path) == {"f": b"head piece head piece "}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    open_file(tmp_path / "f").close()
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


def test_rotation_keeps_the_latest_files(tmp_path: Path) -> None:
    file = open_file(tmp_path / "f", Rotation(max_size=6, files=3), header=b"#")
    for piece in (b"aaa", b"bb", b"ccc", b"ddd", b"eee"):
        file.write(piece)
    file.close()
    assert contents(tmp_path) == {"f": b"#eee", "f.1": b"#ddd", "f.2": b"#ccc"}


def test_a_single_file_starts_anew(tmp_path: Path) -> None:
    file = open_file(tmp_path / "f", Rotation(max_size=4, files=1))
    for piece in (b"aaa", b"bbb"):
        file.write(piece)
    file.close()
    assert contents(tmp_path) == {"f": b"bbb"}


def test_a_piece_larger_than_a_file_gets_one_of_its_own(tmp_path: Path) -> None:
    file = open_file(tmp_path / "f", Rotation(max_size=4, files=2), header=b"#")
    file.write(b"a" * 10)
    file.write(b"b")
    file.close()
    assert contents(tmp_path) == {"f": b"#b", "f.1": b"#" + b"a" * 10}


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=5), max_size=20))
def test_two_writers_of_one_file_keep_every_piece_whole(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    # As in a reload, where the filters of old and new connections have the same file.
    folder = tmp_path_factory.mktemp("two")
    writers = [open_file(folder / "f", Rotation(max_size=8, files=50)) for _ in range(2)]
    for number, piece in enumerate(pieces):
        writers[number % 2].write(piece)
    for writer in writers:
        writer.close()
        assert writer.lost == 0
    found = b"".join(contents(folder).values())
    assert sorted(found) == sorted(b"".join(pieces))
    assert all(len(content) <= 8 for content in contents(folder).values())


def test_a_file_that_somebody_else_took_away(tmp_path: Path) -> None:
    file = open_file(tmp_path / "f", Rotation(max_size=4))
    file.write(b"aaa")
    (tmp_path / "f").unlink()
    file.write(b"bbb")
    file.close()
    assert contents(tmp_path) == {"f": b"bbb"}


def test_it_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "missing" / "f")


def test_a_header_that_cannot_be_written_leaves_nothing_open() -> None:
    before = open_files()
    with pytest.raises(OSError, match="No space left"):
        open_file(Path("/dev/full"), header=b"#")
    assert open_files() == before


def test_trouble_is_counted_and_told_once() -> None:
    told: list[str] = []
    file = open_file(Path("/dev/full"), told=told)
    for _ in range(3):
        file.write(b"x")
    file.close()
    assert file.lost == 3
    assert told == ["No space left on device"]


def test_a_piece_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    # The kernel's own way to say that a disk is full: some bytes fit, then no more.
    told: list[str] = []
    file = open_file(tmp_path / "f", told=told)
    file.write(b"whole")
    with short_of_space(10):
        file.write(b"too much")
    file.write(b" again")
    with short_of_space(11):
        file.write(b"more")
    file.close()
    assert contents(tmp_path) == {"f": b"whole again"}
    assert file.lost == 2
    assert told == ["only 5 of 8 bytes were written", "File too large"]


def test_a_pipe_that_nobody_empties_loses_pieces(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    reader = os.open(tmp_path / "f", os.O_RDONLY | os.O_NONBLOCK)
    file = open_file(tmp_path / "f")
    for _ in range(20):
        file.write(bytes(10_000))
    file.close()
    os.close(reader)
    assert 0 < file.lost < 20


def test_a_rotation_that_fails_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    file = open_file(folder / "f", Rotation(max_size=4))
    file.write(b"aaa")
    folder.rename(tmp_path / "elsewhere")
    file.write(b"bbb")
    file.write(b"bbb")
    assert (file.lost, file.is_open) == (2, False)
    folder.mkdir()
    file.write(b"ccc")
    file.close()
    assert contents(folder) == {"f": b"ccc"}
