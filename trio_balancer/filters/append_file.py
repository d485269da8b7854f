"""A file that filters append to, and that makes room for a new one when it is full."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.config.model_filters import Rotation

# What was said on a connection is nobody else's business.
_MODE = 0o600
# Not to wait for whoever reads a named pipe.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


@final
class AppendFile:
    """Appends whole pieces; each file begins with `header`.

    Each piece is one write of its own: it is in the kernel when `write` returns, and others may
    append to the same file. Rotated files are called `path.1`, the latest, to `path.N`. Trouble
    loses pieces, which `lost` counts, and `on_trouble` is told, once until a piece gets through
    again. Raises OSError when it cannot be opened.
    """

    def __init__(
        self,
        path: str,
        rotation: Rotation,
        on_trouble: Callable[[str], None],
        header: bytes = b"",
    ) -> None:
        self.lost = 0
        self._path = Path(path)
        self._rotation = rotation
        self._on_trouble = on_trouble
        self._header = header
        self._in_trouble = False
        self._fd = -1
        self._open()

    @property
    def is_open(self) -> bool:
        """Whether the file is open now."""
        return self._fd >= 0

    def write(self, piece: bytes) -> None:
        """Append; never raises, and waits no longer than the kernel takes to copy the bytes."""
        try:
            while self._is_too_full(len(piece)):
                self._rotate()
            self._append(piece)
        except OSError as error:
            self._lose(error)
        else:
            self._in_trouble = False

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        self._fd = os.open(self._path, _FLAGS, _MODE)
        try:
            if self._header:
                self._append(self._header)
        except OSError:
            self.close()
            raise

    def _append(self, piece: bytes) -> None:
        if self._fd < 0:
            self._open()  # the last rotation has failed half-way
        written = os.write(self._fd, piece)
        if written < len(piece):
            # Half a piece would spoil what follows. Only a regular file can be cut.
            size = os.fstat(self._fd).st_size
            with suppress(OSError):
                os.ftruncate(self._fd, size - written)
            raise OSError(f"only {written} of {len(piece)} bytes were written")

    def _is_too_full(self, count: int) -> bool:
        if self._fd < 0:
            return False
        size = os.fstat(self._fd).st_size
        return size > len(self._header) and size + count > self._rotation.max_size

    def _rotate(self) -> None:
        if self._is_in_place():
            for number in range(self._rotation.files - 1, 0, -1):
                with suppress(FileNotFoundError):
                    self._name(number - 1).rename(self._name(number))
            if self._rotation.files == 1:
                self._path.unlink()
        self.close()
        self._open()

    def _is_in_place(self) -> bool:
        """Whether the path still leads to our file: somebody else may have rotated it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _name(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        if not self._in_trouble:
            self._in_trouble = True
            self._on_trouble(error.strerror or str(error))
