"""Reads one table of the file key by key, and notes every problem instead of raising it."""

from __future__ import annotations

from typing import TypeVar

import attrs

from trio_balancer.config.problems import KeyPath, Report
from trio_balancer.config.values import MisspeltError, Parser, closest, expected, name

T = TypeVar("T")
D = TypeVar("D")


@attrs.define(eq=False)
class TableReader:
    """A table at `path`.

    Every key that is asked for is thereby known; `report_unknown_keys` reports the others, here
    and in all tables within. So no key can be accepted and then ignored.
    """

    table: dict[str, object]
    path: KeyPath
    report: Report
    _asked: set[str] = attrs.field(factory=set, init=False)
    _within: list[TableReader] = attrs.field(factory=list, init=False)

    def __contains__(self, key: str) -> bool:
        """Tell whether the file gives this key."""
        self._asked.add(key)
        return key in self.table

    def take(self, key: str, parse: Parser[T], default: D) -> T | D:
        """Parse the value of `key`; the default where it is absent or wrong."""
        if key not in self:
            return default
        return self.parse((*self.path, key), self.table[key], parse, default)

    def require(self, key: str, parse: Parser[T], instead: D) -> T | D:
        """Parse the value of `key`, whose absence is a problem; `instead` helps to go on."""
        if key not in self:
            self.problem(key, "is required, but missing")
        return self.take(key, parse, instead)

    def items(self, key: str) -> list[tuple[KeyPath, object]]:
        """Return the elements of the array `key` with their paths; a lone value is one element."""
        if key not in self:
            return []
        value = self.table[key]
        path = (*self.path, key)
        if isinstance(value, list):
            return [((*path, index), item) for index, item in enumerate(value)]
        return [(path, value)]

    def table_at(self, key: str) -> TableReader:
        """Return the table `key`, an empty one where it is absent or no table."""
        value = self.table[key] if key in self else {}
        return self.within((*self.path, key), value)

    def named_tables(self, key: str) -> dict[str, TableReader]:
        """Return the tables of `[key.NAME]` by their names, in the order of the file."""
        outer = self.table_at(key)
        for each in outer.table:
            self.parse((*outer.path, each), each, name, None)
        return {each: outer.table_at(each) for each in outer.table}

    def within(self, path: KeyPath, value: object) -> TableReader:
        """Return a reader of the table `value` at `path`, of an empty one where it is no table."""
        if not isinstance(value, dict):
            self.report.add(path, str(expected("a table", value)))
            value = {}
        reader = TableReader(value, path, self.report)
        self._within.append(reader)
        return reader

    def parse(self, path: KeyPath, value: object, parse: Parser[T], default: D) -> T | D:
        """Parse a value that stands at `path`; the default where it is wrong."""
        try:
            return parse(value)
        except MisspeltError as error:
            self.report.add(path, str(error), error.suggestion)
        except ValueError as error:
            self.report.add(path, str(error))
        return default

    def problem(self, key: str, message: str, suggestion: str | None = None) -> None:
        """Note a problem with the value of `key`."""
        self.report.add((*self.path, key), message, suggestion)

    def report_unknown_keys(self) -> None:
        """Report each key, here and in the tables within, that nobody has asked for."""
        for key in self.table:
            if key not in self._asked:
                self.problem(key, "unknown key", closest(key, sorted(self._asked)))
        for reader in self._within:
            reader.report_unknown_keys()
