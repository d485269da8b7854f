from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.overrides import apply_override
from trio_balancer.config.problems import Report


def _applied(override: str, **document: object) -> dict[str, object]:
    report = Report("f")
    apply_override(document, override, report)
    assert not report.problems
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("2s", "2s"),
        ("round-robin", "round-robin"),
        ('"quoted"', "quoted"),
        ("true", True),
        ('["127.0.0.1:0"]', ["127.0.0.1:0"]),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("", ""),
        ("a=b", "a=b"),
        ("1\nb = 2", "1\nb = 2"),
        ("9" * 5000, "9" * 5000),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_the_value_is_toml_or_else_a_bare_string(text: str, value: object) -> None:
    assert _applied(f"a={text}") == {"a": value}


@pytest.mark.parametrize("key", ["a.b.c", " a . b.c ", "a.\"b\".'c'"])
def test_tables_on_the_way_are_made(key: str) -> None:
    assert _applied(f"{key}=1") == {"a": {"b": {"c": 1}}}


def test_a_quoted_key_may_hold_anything() -> None:
    assert _applied(r'"a.b=\"c"=1') == {'a.b="c': 1}


def test_the_rest_of_a_table_stays() -> None:
    assert _applied("a.b=2", a={"b": 1, "c": 3}) == {"a": {"b": 2, "c": 3}}


@pytest.mark.parametrize(
    "override",
    ["", "a", "=1", "a..b=1", "a b=1", "a\nb=1", r'"\q"=1', "ä=1", "a.b[0]=1", "a\n.b=1"],
)
def test_what_is_no_key_and_value_is_a_problem(override: str) -> None:
    report = Report("f")
    apply_override({}, override, report)
    [problem] = report.problems
    assert problem.message == "expected KEY=VALUE, like 'pools.app.connect_timeout=2s'"
    assert problem.file.startswith("--set ")


@pytest.mark.parametrize("value", [1, [{"c": 1}]])
def test_a_path_through_what_is_no_table_is_a_problem(value: object) -> None:
    document: dict[str, object] = {"a": {"b": value}}
    report = Report("f")
    apply_override(document, "a.b.c=1", report)
    [problem] = report.problems
    assert str(problem) == "--set a.b.c=1: a.b.c: cannot be set, because a.b is no table"
    assert document == {"a": {"b": value}}


def test_what_was_replaced_no_longer_stands_in_the_file() -> None:
    report = Report("f", {("a",): 1, ("a", "b"): 2, ("a", "b", "c"): 3, ("d",): 4})
    apply_override({"a": {"b": {"c": 1}}}, "a.b={}", report)
    assert report.places == {("a",): 1, ("a", "b"): "a.b={}", ("d",): 4}


def test_a_table_that_was_made_stands_where_its_override_does() -> None:
    report = Report("f")
    document: dict[str, object] = {}
    apply_override(document, "a.b=1", report)
    apply_override(document, "a.c=2", report)
    assert report.places == {("a",): "a.b=1", ("a", "b"): "a.b=1", ("a", "c"): "a.c=2"}


@given(st.text() | st.text(st.sampled_from("ab.=\"'\\ \n[]{}1")))
def test_any_text_is_applied_or_reported(override: str) -> None:
    document: dict[str, object] = {}
    report = Report("f")
    apply_override(document, override, report)
    assert bool(document) != bool(report.problems)
