from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.captures.decode import body, rows_of_csv

from trio_balancer.wire.haproxy_columns import Kind
from trio_balancer.wire.haproxy_fields import Format
from trio_balancer.wire.haproxy_reply import CommandError
from trio_balancer.wire.haproxy_stat_query import ALL, Only, StatQuery, parse_stat_query

ROWS = rows_of_csv(body("stat-tcp.csv"))


def selected(words: str) -> list[str]:
    return [f"{row.proxy}/{row.name}" for row in parse_stat_query(words.split()).select(ROWS)]


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("", StatQuery()),
        ("be 4 -1", StatQuery("be", types=4)),
        ("be 4 -1 typed", StatQuery("be", types=4, format=Format.TYPED)),
        ("7 6 2 json", StatQuery(7, types=6, server_id=2, format=Format.JSON)),
        ("-1 4 -1 up", StatQuery(types=4, only=Only.UP)),
        ("domain proxy be 4 -1", StatQuery("be", types=4)),
        ("typed be 4 -1 no-maint", StatQuery("be", 4, ALL, Format.TYPED, Only.NO_MAINTENANCE)),
        ("typed desc", StatQuery(format=Format.TYPED, describe=True)),
        ("be", StatQuery("be")),
        ("be 2 up", StatQuery("be", types=2, only=Only.UP)),
    ],
)
def test_the_words_after_show_stat(words: str, query: StatQuery) -> None:
    assert parse_stat_query(words.split()) == query


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("be x -1", "Integer value expected."),
        ("be 4 1e3", "Integer value expected."),
        ("be 4 -1 bogus", 'Unknown option "bogus", expected typed, json, desc, up, no-maint.'),
        ("be 4 -1 typed be", 'Unknown option "be"'),
        ("typed\n be 4 9999999999", "Integer value expected."),
        ("domain", "Invalid statistics domain."),
        ("domain resolvers", "Invalid statistics domain."),
    ],
)
def test_what_cannot_be_shown_is_said(words: str, error: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_stat_query(words.split())

    assert str(caught.value).startswith(error)


def test_an_unknown_word_cannot_forge_a_line() -> None:
    with pytest.raises(CommandError, match=r'Unknown option "a\\n\\nb"'):
        parse_stat_query(["be", "4", "-1", "a\n\nb"])


@given(st.lists(st.sampled_from(["be", "4", "-1", "typed", "up", "domain", ""]) | st.text()))
def test_words_are_a_query_or_the_documented_error(words: list[str]) -> None:
    with suppress(CommandError):
        parse_stat_query(words).select(ROWS)


def test_rows_are_selected_by_proxy_type_and_number() -> None:
    assert selected("be_app 4 -1") == ["be_app/s1", "be_app/s2", "be_app/s3", "be_app/s4"]
    assert selected("be_app 6 0") == ["be_app/BACKEND"]
    assert selected("-1 1 -1") == ["fe_main/FRONTEND", "prom/FRONTEND"]
    assert selected("2 8 -1") == ["fe_main/l1", "fe_main/l2"]
    assert selected("99 4 -1") == []


def test_only_servers_are_hidden_for_their_state() -> None:
    assert selected("be_app 4 -1 up") == ["be_app/s1", "be_app/s3", "be_app/s4"]
    assert selected("be_http up") == ["be_http/BACKEND"]
    assert selected("be_app 4 2 no-maint") == ["be_app/s2"]


def test_servers_in_maintenance_can_be_hidden() -> None:
    rows = rows_of_csv(body("stat-http.csv"))
    query = parse_stat_query(["no-maint"])

    hidden = {row.server for row in rows} - {row.server for row in query.select(rows)}

    assert hidden == {"d2", "i"}
    assert {row.kind for row in query.select(rows)} == set(Kind)


def test_an_unknown_name_is_an_error_and_an_unknown_number_is_not() -> None:
    with pytest.raises(CommandError, match=r"No such proxy\."):
        parse_stat_query(["nobody", "4", "-1"]).select(ROWS)
