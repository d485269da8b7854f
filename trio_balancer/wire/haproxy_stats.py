"""The reply to `show stat`: rows of counters as CSV, as typed lines, and as JSON.

Source: HAProxy 2.6's management guide, 9.1 "CSV format" and 9.2 "Typed output format", and what
HAProxy 2.6.12 wrote. Each function returns the reply without the empty line that ends it: see
`haproxy_reply.frame`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from trio_balancer.wire.haproxy_columns import STAT_FIELDS, Kind, fields_of
from trio_balancer.wire.haproxy_fields import PROCESS, Field, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FIELDS = {field.name: field for field in STAT_FIELDS}
# These come from what a row is about, so that nobody can contradict it.
_KEYS = frozenset({"pxname", "svname", "pid", "iid", "sid", "type"})
# A column of this name ends HAProxy's own ones: readers skip what they do not know after it.
_END = "-"


def _fitted(values: Mapping[str, Value]) -> dict[str, Value]:
    """Check the names and fit the values.

    Raises ValueError for a name that is no column of its own; for the rest see `Field.fit`.
    """
    for name in values:
        if name not in _FIELDS or name in _KEYS:
            raise ValueError(f"{name!r} is no column of `show stat` that can be set")
    return {name: _FIELDS[name].fit(value) for name, value in values.items()}


@attrs.frozen
class StatRow:
    """One row: a frontend, a backend, or a server or listener of one.

    `proxy_id` counts frontends and backends together, from 2 (1 is HAProxy's own); `server_id`
    counts a backend's servers or a frontend's listeners, from 1. `values` maps the other columns
    to numbers and texts, in the columns' units; what is left out stays empty. Raises ValueError or
    TypeError for an unknown column or a value that it cannot hold.
    """

    kind: Kind
    proxy: str
    proxy_id: int
    values: Mapping[str, Value] = attrs.field(converter=_fitted)
    server: str = ""
    server_id: int = 0

    @property
    def name(self) -> str:
        """What stands in the second column."""
        return self.server if self.kind in (Kind.SERVER, Kind.LISTENER) else self.kind.name

    def columns(self) -> Iterator[tuple[Field, Value]]:
        """Iterate over the columns that have a value, in HAProxy's order."""
        values = {**self._keys(), **self.values}
        for field in fields_of(self.kind):
            if field.name in values:
                yield field, values[field.name]

    def _keys(self) -> dict[str, Value]:
        return {
            "pxname": _FIELDS["pxname"].fit(self.proxy),
            "svname": _FIELDS["svname"].fit(self.name),
            "pid": PROCESS,
            "iid": self.proxy_id,
            "sid": self.server_id,
            "type": self.kind.value,
        }


def csv(rows: Iterable[StatRow]) -> str:
    """Write a line of names, then a line per row; every line ends with a comma."""
    names = ",".join(field.name for field in STAT_FIELDS)
    return "".join([f"# {names},{_END},\n", *map(_csv_line, rows)])


def typed(rows: Iterable[StatRow], *, describe: bool = False) -> str:
    """Write a line per value, like "S.7.1.17.status.1:SGP:str:UP".

    With `describe` each ends with what it means, in quotes.
    """
    return "".join(line for row in rows for line in _typed_lines(row, describe=describe))


def as_json(rows: Iterable[StatRow]) -> str:
    """Write one line: an array of rows, each an array of objects, one per value."""
    return f"[{','.join(map(_json_row, rows))}]\n"


def _csv_line(row: StatRow) -> str:
    cells = [""] * len(STAT_FIELDS)
    for field, value in row.columns():
        cells[field.position] = _csv_cell(str(value))
    return ",".join([*cells, _END]) + ",\n"


def _csv_cell(text: str) -> str:
    if "," not in text and '"' not in text:
        return text
    return '"' + text.replace('"', '""') + '"'


def _typed_lines(row: StatRow, *, describe: bool) -> Iterator[str]:
    identity = f"{row.kind.name[0]}.{row.proxy_id}.{row.server_id}"
    for field, value in row.columns():
        meaning = f':"{field.description}"' if describe else ""
        yield f"{identity}.{field.typed(value)}{meaning}\n"


def _json_row(row: StatRow) -> str:
    kind = row.kind.name.capitalize()
    identity = f'"objType":"{kind}","proxyId":{row.proxy_id},"id":{row.server_id}'
    objects = (f"{{{identity},{field.json(value)}}}" for field, value in row.columns())
    return f"[{','.join(objects)}]"
