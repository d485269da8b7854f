from __future__ import annotations

import re

import attrs
import pytest
from wire.captures.decode import body

from trio_balancer.wire.haproxy_listings import (
    Session,
    Table,
    TableEntry,
    backends,
    session_line,
    span,
    table_header,
    table_line,
)

SESSION = Session(
    id=0xBEEF,
    protocol="tcpv4",
    source="127.0.0.1:34834",
    frontend="fe_main",
    backend="be_app",
    server="s4",
    age=1.9,
    expires=58.2,
    client_fd=13,
    server_fd=14,
)


def told(line: str) -> dict[str, str]:
    """Return what a line of `show sess` says by name, but for HAProxy's own insides."""
    flat = re.sub(r"(rq|rp)\[[^]]*\] ", "", line).replace("[8,", "[0,").replace(",1h,", ",0h,")
    return dict(word.split("=", 1) for word in flat.split()[1:])


def test_backends_are_what_haproxy_wrote() -> None:
    assert backends(["be_app", "be_http", "be_nochk"]) == body("backend.txt")


def test_a_session_says_what_haproxy_says_by_the_same_names() -> None:
    theirs = told(body("sess.txt").splitlines()[0])
    ours = told(session_line(SESSION))

    work = {"calls": "3", "rate": "0", "cpu": "0", "lat": "0"}
    assert list(ours) == list(theirs)
    assert {**ours, **work} == {**theirs, **work}
    assert session_line(SESSION).startswith("0xbeef: proto=")


def test_each_name_stands_at_its_place() -> None:
    def shape(line: str) -> list[str]:
        return re.findall(r"(\w+)[=\[]", line)

    assert shape(session_line(SESSION)) == shape(body("sess.txt").splitlines()[0])


def test_a_session_may_have_no_backend_yet() -> None:
    waiting = attrs.evolve(
        SESSION, backend=None, server=None, expires=None, client_fd=None, server_fd=None
    )

    line = session_line(waiting)

    assert " be=<NONE> srv=<none> " in line
    assert line.count(",fd=-1]") == 2
    assert line.endswith(" exp= rc=0 c_exp=\n")


def test_no_name_adds_a_word_to_a_session() -> None:
    odd = attrs.evolve(SESSION, frontend="a b", server="c\nd", source="unix:/run/x y")

    assert len(session_line(odd).split()) == len(session_line(SESSION).split())


def test_a_table_is_what_haproxy_wrote() -> None:
    entry = TableEntry(
        id=0x5591F8DDE010,
        key="127.0.0.1",
        used_by=3,
        expires=29.792,
        data={"gpc0": 0, "conn_rate(10000)": 4, "conn_cur": 3, "bytes_in_rate(10000)": 1},
    )
    header = table_header(Table("fe_main", "ip", size=1024, used=1))

    assert header + table_line(entry) == body("table.txt")
    assert header == body("tables.txt")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0s"), (59, "59s"), (60, "1m"), (3723, "1h2m"), (90000, "1d1h"), (86460, "1d1m")],
)
def test_a_span_has_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text
