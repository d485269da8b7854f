from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire import haproxy_log
from trio_balancer.wire.address import UnixAddress, inet_address
from trio_balancer.wire.haproxy_log import (
    Severity,
    TcpLog,
    accept_date,
    file_header,
    syslog_header,
    tcplog,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def at(*fields: int) -> float:
    return datetime(*fields, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]


NOW = at(2026, 11, 22, 18, 44, 32, 722000)

KILLED = TcpLog(
    client=inet_address("127.0.0.1", 57226),
    accepted_at=at(2026, 11, 22, 18, 44, 31, 522000),
    frontend="fe_main",
    backend="be_app",
    server="s2",
    queue_time=0.001,
    connect_time=0.0,
    total_time=1.201,
    sent=3,
    state="K-",
    connections=(1, 1, 0, 0),
    retries=0,
    redispatched=False,
    queues=(0, 0),
)


@pytest.fixture(autouse=True)
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        forget()

    def forget() -> None:
        time.tzset()
        haproxy_log._date.cache_clear()
        haproxy_log._syslog_date.cache_clear()

    set_zone("UTC")
    yield set_zone
    monkeypatch.undo()
    forget()


def test_the_line_and_its_header_are_what_haproxy_wrote() -> None:
    line = syslog_header(Severity.INFO, NOW, "haproxy", 13511) + tcplog(KILLED)

    assert line == (
        "<134>Nov 22 18:44:32 haproxy[13511]: 127.0.0.1:57226 [22/Nov/2026:18:44:31.522]"
        " fe_main be_app/s2 1/0/1201 3 K- 1/1/0/0/0 0/0"
    )


def test_phases_that_were_not_reached_are_minus_one() -> None:
    refused = attrs.evolve(
        KILLED, server=None, queue_time=None, connect_time=None, total_time=0.0, sent=0, state="SC"
    )

    assert tcplog(refused).endswith(" fe_main be_app/<NOSRV> -1/-1/0 0 SC 1/1/0/0/0 0/0")


def test_without_a_backend_the_frontend_stands_in_its_place() -> None:
    denied = attrs.evolve(KILLED, backend=None, server=None, state="PR")

    assert " fe_main fe_main/<NOSRV> " in tcplog(denied)


def test_redispatched_retries_have_a_plus() -> None:
    entry = attrs.evolve(KILLED, retries=2, connections=(9, 7, 5, 3), queues=(1, 4))

    assert tcplog(entry).endswith(" 9/7/5/3/2 1/4")
    assert tcplog(attrs.evolve(entry, redispatched=True)).endswith(" 9/7/5/3/+2 1/4")


def test_ipv6_has_no_brackets_and_a_unix_client_no_path() -> None:
    ipv6 = attrs.evolve(KILLED, client=inet_address("fe80::1%eth0", 9))
    unix = attrs.evolve(KILLED, client=UnixAddress("/run/a b.sock"))

    assert tcplog(ipv6).startswith("fe80::1:9 [")
    assert tcplog(unix).startswith("unix:1 [")


@given(*[st.text(st.characters(exclude_categories=()), min_size=1)] * 4)
def test_no_name_adds_a_field_or_a_line(front: str, back: str, server: str, end: str) -> None:
    entry = attrs.evolve(KILLED, frontend=front + end, backend=back, server=server + end)

    fields = f"{tcplog(entry)}.".split()

    assert len(fields) == 9
    assert fields[4:6] == ["1/0/1201", "3"]


def test_dates_are_local_and_summer_time_counts(in_zone: Callable[[str], None]) -> None:
    in_zone("Europe/Berlin")

    assert accept_date(at(2026, 7, 1, 22, 30)) == "02/Jul/2026:00:30:00.000"
    assert accept_date(at(2026, 1, 31, 23, 30)) == "01/Feb/2026:00:30:00.000"


def test_milliseconds_carry_into_the_second() -> None:
    assert accept_date(at(2026, 12, 31, 23, 59, 59) + 0.9996) == "01/Jan/2027:00:00:00.000"


def test_a_short_day_is_padded_with_a_space() -> None:
    stamp = at(2026, 3, 2, 3, 4, 5)

    assert file_header(stamp, "haproxy", 7) == "Mar  2 03:04:05 localhost haproxy[7]: "
    assert syslog_header(Severity.DEBUG, stamp, "x", 7) == "<135>Mar  2 03:04:05 x[7]: "


def test_severities_are_those_of_rfc_3164() -> None:
    priorities = [syslog_header(level, NOW, "x", 1).split(">")[0] for level in Severity]

    assert priorities == ["<131", "<132", "<134", "<135"]
