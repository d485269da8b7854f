from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.captures.decode import KEYS, TYPES, body, rows_of_csv, rows_of_typed

from trio_balancer.wire import haproxy_stats
from trio_balancer.wire.haproxy_columns import STAT_FIELDS, Kind
from trio_balancer.wire.haproxy_fields import Value, ValueType
from trio_balancer.wire.haproxy_stats import StatRow, as_json, typed

NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)
# One line of text: what can end a line is escaped, and has its own test.
TEXTS = st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "Zs"), include_characters=" "))
VALUES: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {},
    optional={
        name: TEXTS.filter(bool) if kind is ValueType.STR else st.integers(0, 2**31 - 1)
        for name, kind in TYPES.items()
        if name not in KEYS
    },
)


@st.composite
def stat_rows(draw: st.DrawFn, proxy_id: int) -> StatRow:
    kind = draw(st.sampled_from(Kind))
    is_part = kind in (Kind.SERVER, Kind.LISTENER)
    return StatRow(
        kind,
        draw(NAMES),
        proxy_id,
        draw(VALUES),
        server=draw(NAMES) if is_part else "",
        server_id=draw(st.integers(1, 500)) if is_part else 0,
    )


ROWS = st.tuples(stat_rows(2), stat_rows(3)).map(list)


@pytest.mark.parametrize("name", ["stat-tcp.csv", "stat-http.csv"])
def test_csv_is_what_haproxy_wrote(name: str) -> None:
    assert haproxy_stats.csv(rows_of_csv(body(name))) == body(name)


@pytest.mark.parametrize("name", ["stat-tcp.typed", "stat-http.typed"])
def test_typed_is_what_haproxy_wrote(name: str) -> None:
    assert typed(rows_of_typed(body(name))) == body(name)


def test_json_is_what_haproxy_wrote() -> None:
    rows = [row for row in rows_of_typed(body("stat-tcp.typed")) if row.proxy == "be_app"]

    assert as_json(rows) == body("stat-tcp.json")


def test_described_values_end_with_their_meaning() -> None:
    row = StatRow(Kind.SERVER, "app", 2, {"qcur": 3}, server="s1", server_id=1)

    assert 'S.2.1.2.qcur.1:MGP:u32:3:"Connections waiting in the queue"\n' in typed(
        [row], describe=True
    )


def test_what_is_left_out_is_empty() -> None:
    row = StatRow(Kind.FRONTEND, "web", 2, {})

    line = haproxy_stats.csv([row]).splitlines()[1]

    assert line.split(",") == [
        {
            "pxname": "web",
            "svname": "FRONTEND",
            "pid": "1",
            "iid": "2",
            "sid": "0",
            "type": "0",
        }.get(field.name, "")
        for field in STAT_FIELDS
    ] + ["-", ""]


def test_nothing_known_is_a_header_and_an_empty_list() -> None:
    assert haproxy_stats.csv([]).endswith(",agg_check_status,-,\n")
    assert typed([]) == ""
    assert as_json([]) == "[]\n"


@pytest.mark.parametrize("name", ["qcurr", "pxname", "type", "-", ""])
def test_only_columns_of_its_own_can_be_set(name: str) -> None:
    with pytest.raises(ValueError, match="no column"):
        StatRow(Kind.SERVER, "app", 2, {name: 1})


def test_a_value_must_suit_its_column() -> None:
    with pytest.raises(TypeError, match="scur is a number, not 'many'"):
        StatRow(Kind.SERVER, "app", 2, {"scur": "many"})


def test_no_text_adds_a_line_or_a_column() -> None:
    row = StatRow(Kind.SERVER, 'a,"b', 2, {"last_chk": "x\n\ny,z"}, server="s\r\n", server_id=1)

    lines = haproxy_stats.csv([row]).splitlines()

    assert len(lines) == 2
    assert lines[1].startswith(r'"a,""b",s\r\n,')
    assert r',"x\n\ny,z",' in lines[1]
    assert all(line.startswith("S.2.1.") for line in typed([row]).splitlines())
    assert len(as_json([row]).splitlines()) == 1


@given(ROWS)
def test_csv_can_be_read_back(rows: list[StatRow]) -> None:
    assert rows_of_csv(haproxy_stats.csv(rows)) == rows


@given(ROWS)
def test_typed_lines_can_be_read_back(rows: list[StatRow]) -> None:
    assert rows_of_typed(typed(rows)) == rows


@given(ROWS)
def test_json_says_what_the_row_says(rows: list[StatRow]) -> None:
    told = [
        {item["field"]["name"]: item["value"]["value"] for item in row}
        for row in json.loads(as_json(rows))
    ]

    assert told == [{field.name: value for field, value in row.columns()} for row in rows]
