"""Lists of networks: in the configuration itself, and in files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.config.model_access import UNIX, NetworkList
from trio_balancer.config.networks import IPNetwork, network
from trio_balancer.config.values import MisspeltError, expected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader
    from trio_balancer.config.values import Parser

    Entry = IPNetwork | str

# A file of another kind may have a million bad lines; the first few tell what is wrong.
_TOLD_LINES = 10


def read_list(section: TableReader, key: str, base: PurePath) -> NetworkList | None:
    """Read the array `key` and the file `key_file`, merged; None where neither is given."""
    file_key = f"{key}_file"
    inline, in_file = key in section, file_key in section
    if not inline and not in_file:
        return None
    entries = [section.parse(path, item, _entry, None) for path, item in section.items(key)]
    file = section.take(file_key, _file(base), None)
    if file is not None:
        entries += _read_file(file, section, file_key)
    networks = tuple(entry for entry in entries if isinstance(entry, IPNetwork))
    return NetworkList(networks, unix=UNIX in entries)


def _entry(value: object) -> Entry:
    return UNIX if value == UNIX else network(value)


def _file(base: PurePath) -> Parser[Path]:
    def parse(value: object) -> Path:
        # The path stands in problems, which are lines too.
        if not isinstance(value, str) or not value or not value.isprintable():
            raise expected("the path of a file", value)
        return Path(base, value)

    return parse


def _read_file(file: Path, section: TableReader, key: str) -> list[Entry]:
    """Read one entry a line; "#" begins a comment, and every bad line is a problem of `key`."""
    entries: list[Entry] = []
    bad = 0
    for number, line in _lines(file, section, key):
        try:
            entries.append(_entry(line))
        except ValueError as error:
            bad += 1
            if bad <= _TOLD_LINES:
                suggestion = error.suggestion if isinstance(error, MisspeltError) else None
                section.problem(key, f"{file}:{number}: {error}", suggestion)
    if bad > _TOLD_LINES:
        section.problem(key, f"{file}: {bad - _TOLD_LINES} more lines are no networks")
    return entries


def _lines(file: Path, section: TableReader, key: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, numbered from 1."""
    for number, line in enumerate(_text(file, section, key).split("\n"), 1):
        said = line.partition("#")[0].strip()
        if said:
            yield number, said


def _text(file: Path, section: TableReader, key: str) -> str:
    try:
        # Editors on Windows begin a file with a byte order mark.
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        section.problem(key, f"{file} cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        section.problem(key, f"{file} is not UTF-8 text: {error.reason} at byte {error.start}")
    return ""
