"""Conversations that the filter `record` has written, read back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from functools import partial
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENT: Final = "from-client"
BACKEND: Final = "from-backend"

# What reading strange JSON can raise, KeyError apart.
_STRANGE = (TypeError, ValueError, OverflowError, RecursionError)
# Bytes: many times what the filter writes at once.
_LONGEST_LINE = 1 << 24


class RecordingError(ValueError):
    """What was read is no recording; the message is a sentence for people."""


@attrs.frozen
class Said:
    """Bytes that one side has said, or its end-of-file (`finished`, without bytes).

    `time` is in seconds since the connection opened. `data` is None where only the length and
    the SHA-256 (hexadecimal) were recorded.
    """

    time: float
    direction: str
    length: int = 0
    sha256: str = ""
    data: bytes | None = None
    finished: bool = False


@attrs.frozen
class Recording:
    """One recorded connection; `reset_by` says who broke it off, if anybody did."""

    connection: int
    said: tuple[Said, ...]
    reset_by: str | None = None


@attrs.define
class _Draft:
    connection: int
    opened: float
    said: list[Said] = attrs.field(factory=list)
    reset_by: str | None = None


@attrs.define
class _Drafts:
    """What was read so far."""

    #: The only number that counts; None: they all do.
    wanted: int | None
    every: list[_Draft] = attrs.field(factory=list)
    #: The numbers begin again where another process has appended to the file.
    latest: dict[int, _Draft] = attrs.field(factory=dict)


def read_recordings(*paths: Path, connection: int | None = None) -> tuple[Recording, ...]:
    """Read the file of a filter `record`: its connections, in the order in which they opened.

    Where it was rotated, give all its files, the oldest first. All their bytes are kept in memory,
    or only those of the connections with the number `connection`.

    Raises RecordingError, with the line, for what that filter does not write, and OSError.
    """
    drafts = _Drafts(connection)
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            try:
                _read_line(line, drafts)
            except KeyError as error:
                raise _strange(path, number, f"{error} is missing") from error
            except _STRANGE as error:
                raise _strange(path, number, str(error)) from error
    return tuple(_finished(draft) for draft in drafts.every)


def _lines(path: Path) -> Iterator[bytes]:
    """Read line by line; the beginning of one that is far too long is no line of ours either."""
    with path.open("rb") as file:
        yield from iter(partial(file.readline, _LONGEST_LINE), b"")


def _strange(path: Path, number: int, what: str) -> RecordingError:
    return RecordingError(f"{path}:{number}: not a line of a recording: {what}")


def _read_line(line: bytes, drafts: _Drafts) -> None:
    entry = json.loads(line)
    number, time, event = entry["connection"], _read_time(entry["time"]), entry["event"]
    if not isinstance(number, int):
        raise TypeError(f"a connection {number!r}")
    if drafts.wanted not in {None, number}:
        return
    if event == "open":
        drafts.latest[number] = _Draft(number, time)
        drafts.every.append(drafts.latest[number])
        return
    draft = drafts.latest.get(number)
    if draft is None:
        raise ValueError(f"connection {number} opened before: is there an older file?")
    if event == "closed":
        draft.reset_by = _read_side(entry["reset_by"])
    elif event in ("data", "finished"):
        draft.said.append(_read_said(entry, time - draft.opened))
    else:
        raise ValueError(f"an event {event!r}")


def _read_time(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"a time {value!r}")
    return value


def _read_side(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TypeError("reset_by is no text")


def _read_said(entry: dict[str, object], time: float) -> Said:
    direction = entry["direction"]
    if direction not in (CLIENT, BACKEND):
        raise ValueError(f"a direction {direction!r}")
    if entry["event"] == "finished":
        return Said(time, direction, finished=True)
    length, digest = entry["length"], entry["sha256"]
    if not isinstance(length, int) or not isinstance(digest, str) or length < 1:
        raise TypeError("no length and sha256")
    return Said(time, direction, length, digest, _read_bytes(entry, length, digest))


def _read_bytes(entry: dict[str, object], length: int, digest: str) -> bytes | None:
    text = entry.get("data")
    if text is None:
        return None
    try:
        data = base64.b64decode(str(text), validate=True)
    except binascii.Error as error:
        raise ValueError(f"the data is no base64: {error}") from error
    if len(data) != length or hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("the data has another length or another SHA-256")
    return data


def _finished(draft: _Draft) -> Recording:
    return Recording(draft.connection, tuple(draft.said), draft.reset_by)
