"""Every key that a configuration may have, learnt from the readers themselves.

A document with each table that there can be is read; `TableReader` knows what was asked for.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import tomli

from trio_balancer.config import load
from trio_balancer.config.filters import _READERS
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_balancer.config.problems import KeyPath

# Values do not matter, and most of them are missing: what is reported is not looked at.
_EVERYTHING = """
[balancer]
[log]
[control]
[admin]
[listeners.NAME]
faults = [{ type = "latency", attributes = {}, match = {} }]
[listeners.NAME.access]
hours = [{}]
[listeners.NAME.proxy_protocol]
[listeners.NAME.tls]
certificates = [{}]
[[listeners.NAME.routes]]
[pools.NAME]
faults = [{ type = "latency", attributes = {}, match = {} }]
backends = [{}]
[pools.NAME.health]
[pools.NAME.outlier]
[pools.NAME.tls]
cert = "a.pem"
"""


def asked_keys() -> dict[str, set[str]]:
    """Return the keys of each table, under its heading: "[pools.NAME.health]".

    Keys that are tables themselves are headings, and no keys.
    """
    document = tomli.loads(_EVERYTHING)
    document["listeners"]["NAME"]["filters"] = [{"use": use} for use in _READERS]
    reader = TableReader(document, (), Report("everything"))
    load._read(reader, PurePath())
    found: dict[str, set[str]] = {}
    for table in _tables(reader):
        found.setdefault(_heading(table.path), set()).update(table._asked)
    tables = {heading.strip("[]") for heading in found}
    return {
        heading: {key for key in keys if f"{heading.strip('[]')}.{key}".lstrip(".") not in tables}
        for heading, keys in found.items()
    }


def _tables(reader: TableReader) -> Iterator[TableReader]:
    yield reader
    for within in reader._within:
        yield from _tables(within)


def _heading(path: KeyPath) -> str:
    name = ".".join(part for part in path if isinstance(part, str))
    return f"[[{name}]]" if path and isinstance(path[-1], int) else f"[{name}]"
