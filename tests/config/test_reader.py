from __future__ import annotations

import pytest

from trio_balancer.config.model import Policy
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.config.values import boolean, choice, text


@pytest.fixture
def report() -> Report:
    return Report("f")


def _found(report: Report) -> list[str]:
    return [f"{problem.key}: {problem.message}" for problem in report.problems]


def test_a_key_that_is_right_is_parsed(report: Report) -> None:
    reader = TableReader({"a": "x"}, (), report)
    assert reader.take("a", text, None) == "x"
    assert reader.require("a", text, None) == "x"
    assert not report.problems


def test_a_key_that_is_absent_or_wrong_gives_the_default(report: Report) -> None:
    reader = TableReader({"a": 1}, ("t",), report)
    assert reader.take("a", boolean, None) is None
    assert reader.take("b", boolean, None) is None
    assert reader.require("c", boolean, None) is None
    assert _found(report) == [
        "t.a: expected true or false, got 1",
        "t.c: is required, but missing",
    ]


def test_a_misspelt_value_brings_its_suggestion(report: Report) -> None:
    TableReader({"a": "frist"}, (), report).take("a", choice(Policy), None)
    assert [problem.suggestion for problem in report.problems] == ["first"]


def test_items_of_an_array_and_of_a_lone_value(report: Report) -> None:
    reader = TableReader({"many": [1, 2], "one": 3}, ("t",), report)
    assert reader.items("many") == [(("t", "many", 0), 1), (("t", "many", 1), 2)]
    assert reader.items("one") == [(("t", "one"), 3)]
    assert reader.items("none") == []


def test_tables_within(report: Report) -> None:
    reader = TableReader({"t": {"a": "x"}, "u": 5}, (), report)
    assert reader.table_at("t").take("a", text, None) == "x"
    assert reader.table_at("u").table == {}
    assert reader.table_at("v").table == {}
    assert _found(report) == ["u: expected a table, got 5"]


def test_named_tables(report: Report) -> None:
    reader = TableReader({"pools": {"b": {}, "a b": {}, "a": 1}}, (), report)
    assert list(reader.named_tables("pools")) == ["b", "a b", "a"]
    assert _found(report) == [
        "pools.\"a b\": expected a name without spaces, control characters or '/', got 'a b'",
        "pools.a: expected a table, got 1",
    ]


def test_keys_that_nobody_asked_for_are_reported_at_every_depth(report: Report) -> None:
    reader = TableReader({"policy": "x", "inner": {"polcy": 1, "zzz": 2}}, (), report)
    reader.take("policy", text, None)
    reader.table_at("inner").take("policy", text, None)
    reader.report_unknown_keys()
    assert [(p.key, p.message, p.suggestion) for p in report.problems] == [
        ("inner.polcy", "unknown key", "policy"),
        ("inner.zzz", "unknown key", None),
    ]
