"""Reading HAProxy's replies back into rows, independently of how they are written."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.wire.haproxy_columns import STAT_FIELDS, Kind
from trio_balancer.wire.haproxy_fields import ValueType
from trio_balancer.wire.haproxy_stats import StatRow

if TYPE_CHECKING:
    from trio_balancer.wire.haproxy_fields import Value

KEYS = ("pxname", "svname", "pid", "iid", "sid", "type")
TYPES = {field.name: field.type for field in STAT_FIELDS}
KINDS = {"F": Kind.FRONTEND, "B": Kind.BACKEND, "S": Kind.SERVER, "L": Kind.LISTENER}
_TYPED = re.compile(r"([FBSL])\.(\d+)\.(\d+)\.\d+\.(\w+)\.1:\w{3}:\w{3}:(.*)\Z")


def capture(name: str) -> str:
    return Path(__file__).with_name(name).read_text()


def body(name: str) -> str:
    """Return a captured reply without the empty line that ends it."""
    text = capture(name)
    assert text.endswith("\n\n")
    return text[:-1]


def _value(name: str, text: str) -> Value:
    return text if TYPES[name] is ValueType.STR else int(text)


def _row(kind: Kind, texts: dict[str, str]) -> StatRow:
    values = {name: _value(name, text) for name, text in texts.items() if name not in KEYS}
    is_part = kind in (Kind.SERVER, Kind.LISTENER)
    return StatRow(
        kind,
        proxy=texts["pxname"],
        proxy_id=int(texts["iid"]),
        server=texts["svname"] if is_part else "",
        server_id=int(texts["sid"]),
        values=values,
    )


def rows_of_csv(text: str) -> list[StatRow]:
    rows = []
    for line in csv.DictReader(io.StringIO(text.removeprefix("# "))):
        texts = {name: line[name] for name in TYPES if line[name] != ""}
        rows.append(_row(Kind(int(texts["type"])), texts))
    return rows


def rows_of_typed(text: str) -> list[StatRow]:
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for line in text.splitlines():
        match = _TYPED.match(line)
        assert match is not None, line
        kind, proxy_id, server_id, name, value = match.groups()
        found.setdefault((kind, proxy_id, server_id), {})[name] = value
    return [_row(KINDS[kind], texts) for (kind, _, _), texts in found.items()]
