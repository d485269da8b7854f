"""Bytes that a filter keeps until more has come, bounded."""

from __future__ import annotations

from typing import final


class HoldFullError(Exception):
    """A filter wanted to keep more than `filter_buffer`; the connection ends, as by a rule."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"a filter held more than filter_buffer, {limit} bytes")


@final
class Hold:
    """A buffer of at most `limit` bytes; `FilteredConnection.hold` makes one."""

    __slots__ = ("_data", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def add(self, data: bytes) -> None:
        """Keep these bytes behind the others; raises HoldFullError where there is no room."""
        if len(self._data) + len(data) > self._limit:
            raise HoldFullError(self._limit)
        self._data += data

    def take(self, count: int | None = None) -> bytes:
        """Give back the first `count` bytes, or all, and forget them."""
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken
