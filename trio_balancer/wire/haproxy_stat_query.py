"""What `show stat` is asked for: which rows, in which format.

Source: HAProxy 2.6's management guide, 9.3, "show stat": `[domain proxy] [<iid>|<proxy> <types>
<sid>] [typed|json] [desc] [up|no-maint]`. HAProxy refuses other orders with "No such proxy."; here
options may stand on both sides, and types and sid may be left out. A proxy that is named like an
option is asked for by its number.
"""

from __future__ import annotations

import re
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import attrs

from trio_balancer.wire.escape import escape
from trio_balancer.wire.haproxy_columns import Kind
from trio_balancer.wire.haproxy_fields import Format
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trio_balancer.wire.haproxy_stats import StatRow

ALL = -1
# A proxy, types and a server's number.
_PLACE = 3
_INTEGER = re.compile(r"-?[0-9]{1,9}\Z", re.ASCII)
# The manual names the first three; HAProxy gives listeners the next bit.
_TYPE_BITS = {Kind.FRONTEND: 1, Kind.BACKEND: 2, Kind.SERVER: 4, Kind.LISTENER: 8}


class Only(Enum):
    """Which servers are shown, by their state."""

    ANY = "any"
    UP = "up"
    NO_MAINTENANCE = "no-maint"


# By the beginning of the word in a server's status column.
_HIDDEN: dict[Only, tuple[str, ...]] = {
    Only.ANY: (),
    Only.UP: ("DOWN", "MAINT"),
    Only.NO_MAINTENANCE: ("MAINT",),
}

# What each option changes in a query.
_OPTIONS: dict[str, dict[str, Any]] = {
    "typed": {"format": Format.TYPED},
    "json": {"format": Format.JSON},
    "desc": {"describe": True},
    "up": {"only": Only.UP},
    "no-maint": {"only": Only.NO_MAINTENANCE},
}


@attrs.frozen
class StatQuery:
    """A parsed `show stat`: `proxy` is a name, a number or None for all.

    `types` is a sum of 1 frontends, 2 backends, 4 servers and 8 listeners, and `server_id` the
    number of a server or listener; ALL for all. `describe` concerns typed lines only: there is no
    place for descriptions in CSV, and HAProxy leaves them out of JSON.
    """

    proxy: str | int | None = None
    types: int = ALL
    server_id: int = ALL
    format: Format = Format.TEXT
    only: Only = Only.ANY
    describe: bool = False

    def select(self, rows: Iterable[StatRow]) -> list[StatRow]:
        """Return the rows that were asked for; raises CommandError for an unknown proxy name."""
        known = list(rows)
        if isinstance(self.proxy, str) and self.proxy not in {row.proxy for row in known}:
            raise CommandError("No such proxy.")
        return [row for row in known if self._wants(row)]

    def _wants(self, row: StatRow) -> bool:
        return (
            self.proxy in (None, row.proxy, row.proxy_id)
            and bool(self.types & _TYPE_BITS[row.kind])
            and self.server_id in (ALL, row.server_id)
            and self._wants_state(row)
        )

    def _wants_state(self, row: StatRow) -> bool:
        # Only servers are hidden for their state, as HAProxy does it.
        status = str(row.values.get("status", ""))
        return row.kind is not Kind.SERVER or not status.startswith(_HIDDEN[self.only])


def parse_stat_query(words: Sequence[str]) -> StatQuery:
    """Parse the words after "show stat"; raises CommandError with the text to answer."""
    place, options = _sort_out(_without_domain(words))
    query = _parse_place(place)
    for option in options:
        query = _parse_option(query, option)
    return query


def _without_domain(words: Sequence[str]) -> Sequence[str]:
    if not words or words[0] != "domain":
        return words
    if words[1:2] != ["proxy"]:
        raise CommandError("Invalid statistics domain.")
    return words[2:]


def _sort_out(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Tell the words that name a place, at most three in a row, from the options around them."""
    before = list(takewhile(_OPTIONS.__contains__, words))
    place = list(takewhile(_is_no_option, words[len(before) :][:_PLACE]))
    return place, [*before, *words[len(before) + len(place) :]]


def _is_no_option(word: str) -> bool:
    return word not in _OPTIONS


def _parse_place(words: Sequence[str]) -> StatQuery:
    proxy, types, server_id = [*words, *[str(ALL)] * (_PLACE - len(words))]
    return StatQuery(_parse_proxy(proxy), parse_integer(types), parse_integer(server_id))


def _parse_proxy(word: str) -> str | int | None:
    if not _INTEGER.match(word):
        return word
    number = int(word)
    return None if number == ALL else number


def parse_integer(word: str) -> int:
    """Parse a decimal number of at most nine digits; raises CommandError.

    HAProxy takes anything else for 0, and then shows nothing without saying why.
    """
    if not _INTEGER.match(word):
        raise CommandError("Integer value expected.")
    return int(word)


def _parse_option(query: StatQuery, word: str) -> StatQuery:
    if word not in _OPTIONS:
        raise CommandError(f'Unknown option "{escape(word)}", expected {", ".join(_OPTIONS)}.')
    return attrs.evolve(query, **_OPTIONS[word])
