from __future__ import annotations

import json
import math
import re
import shlex
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model import LogFormat, LogLevel
from trio_balancer.flow.log_lines import LINES, header, plain, timestamp
from trio_balancer.flow.record import FINISHED, Counts, Ending, Phase, Record, Who
from trio_balancer.wire.address import UnixAddress, inet_address
from trio_balancer.wire.proxy_header import Tlvs

NOW = datetime(2026, 11, 22, 18, 42, 28, 137000, UTC).timestamp()
ANY_TEXT = st.text(st.characters(exclude_categories=()))

TEXT, JSON, HAPROXY = (LINES[each] for each in LogFormat)

RECORD = Record(
    number=17,
    listener="web",
    client=inet_address("203.0.113.9", 38654),
    address=inet_address("::1", 8080),
    accepted_at=NOW - 1.5,
    total_time=1.5,
    ending=FINISHED,
    reason="both sides finished",
    counts=Counts(process=9, listener=7, pool=5, backend=3),
    pool="app",
    backend="app-1",
    backend_address="127.0.0.1:9001",
    queue_time=0.0004,
    connect_time=0.0012,
    bytes_up=120,
    bytes_down=4096,
    attempts=2,
    redispatched=True,
    backend_queue=1,
    pool_queue=4,
    closed_first="client",
    peer=inet_address("10.0.0.7", 4321),
    server_name="shop.example",
    alpn="h2",
    tls="TLSv1.3",
    unique_id="c0ffee",
    tlvs=Tlvs(authority=b"shop.example"),
)
REFUSED = Record(
    number=18,
    listener="web",
    client=UnixAddress(""),
    address=UnixAddress("/run/my web.sock"),
    accepted_at=NOW,
    total_time=0.0,
    ending=Ending(Who.POLICY, Phase.REQUEST),
    reason="",
    counts=Counts(process=1, listener=1, pool=0, backend=0),
    peer=UnixAddress(""),
    refusal="denied",
)


def test_a_connection_as_text() -> None:
    assert TEXT.connection(RECORD, LogLevel.INFO, NOW) == (
        "2026-11-22T18:42:28.137Z info connection number=17 ending=--"
        " client=203.0.113.9:38654 listener=web pool=app backend=app-1 total_time=1.500"
        " bytes_up=120 bytes_down=4096 queue_time=0.000 connect_time=0.001 attempts=2"
        " redispatched=true closed_first=client address=[::1]:8080"
        " backend_address=127.0.0.1:9001 open=9/7/5/3 queued=1/4"
        " peer=10.0.0.7:4321 sni=shop.example tls=TLSv1.3 refusal=-"
        ' reason="both sides finished"'
    )


def test_a_refused_connection_as_text_has_the_same_columns() -> None:
    line = TEXT.connection(REFUSED, LogLevel.WARNING, NOW)

    assert line == (
        "2026-11-22T18:42:28.137Z warning connection number=18 ending=PR"
        " client=unix: listener=web pool=- backend=- total_time=0.000"
        " bytes_up=0 bytes_down=0 queue_time=- connect_time=- attempts=0"
        ' redispatched=false closed_first=- address="unix:/run/my web.sock"'
        " backend_address=- open=1/1/0/0 queued=0/0"
        " peer=- sni=- tls=- refusal=denied"
        " reason=-"
    )
    assert keys_of(line) == keys_of(TEXT.connection(RECORD, LogLevel.INFO, NOW))


def keys_of(line: str) -> list[str]:
    return [part.partition("=")[0] for part in shlex.split(line)[3:]]


def test_a_connection_as_json() -> None:
    assert json.loads(JSON.connection(RECORD, LogLevel.INFO, NOW)) == {
        "time": "2026-11-22T18:42:28.137Z",
        "level": "info",
        "kind": "connection",
        "number": 17,
        "client": "203.0.113.9:38654",
        "listener": "web",
        "address": "[::1]:8080",
        "pool": "app",
        "backend": "app-1",
        "backend_address": "127.0.0.1:9001",
        "accepted_at": NOW - 1.5,
        "queue_time": 0.0004,
        "connect_time": 0.0012,
        "total_time": 1.5,
        "bytes_up": 120,
        "bytes_down": 4096,
        "ending": "--",
        "reason": "both sides finished",
        "closed_first": "client",
        "attempts": 2,
        "redispatched": True,
        "process_connections": 9,
        "listener_connections": 7,
        "pool_connections": 5,
        "backend_connections": 3,
        "backend_queue": 1,
        "pool_queue": 4,
        "peer": "10.0.0.7:4321",
        "server_name": "shop.example",
        "alpn": "h2",
        "tls": "TLSv1.3",
        "unique_id": "c0ffee",
        "authority": "shop.example",
        "refusal": None,
    }


def test_a_refused_connection_as_json_has_nulls() -> None:
    told = json.loads(JSON.connection(REFUSED, LogLevel.INFO, NOW))

    absent = {key for key, value in told.items() if value is None}
    assert absent == {
        "pool",
        "backend",
        "backend_address",
        "queue_time",
        "connect_time",
        "reason",
        "closed_first",
        "server_name",
        "alpn",
        "tls",
        "unique_id",
        "authority",
    }
    assert told.keys() == json.loads(JSON.connection(RECORD, LogLevel.INFO, NOW)).keys()


def test_json_leaves_out_nothing_that_the_record_knows() -> None:
    told = json.loads(JSON.connection(RECORD, LogLevel.INFO, NOW))

    assert {field.name for field in attrs.fields(Record)} - {"counts", "tlvs"} <= told.keys()


def test_a_connection_as_haproxy_tells_it() -> None:
    line = HAPROXY.connection(RECORD, LogLevel.INFO, NOW)

    assert re.sub(r"\[.*\]", "[date]", line) == (
        "203.0.113.9:38654 [date] web~ app/app-1 0/1/1500 4096 -- 9/7/5/3/+1 1/4"
    )
    assert HAPROXY.connection(REFUSED, LogLevel.INFO, NOW).endswith(
        " web web/<NOSRV> -1/-1/0 0 PR 1/1/0/0/0 0/0"
    )


def test_an_event_in_each_format() -> None:
    fields = {"pool": "app", "backend": "app 1", "after": 2.5, "up": False, "left": 3, "why": None}
    sentence = 'A backend is down pool=app backend="app 1" after=2.5 up=false left=3 why=-'

    def event(log_format: LogFormat) -> str:
        return LINES[log_format].event(LogLevel.WARNING, "A backend is down", fields, NOW)

    assert event(LogFormat.TEXT) == f"2026-11-22T18:42:28.137Z warning {sentence}"
    assert event(LogFormat.HAPROXY) == sentence
    assert (
        json.loads(event(LogFormat.JSON))
        == {
            "time": "2026-11-22T18:42:28.137Z",
            "level": "warning",
            "kind": "event",
            "message": "A backend is down",
        }
        | fields
    )


def test_a_field_cannot_hide_what_every_json_event_has() -> None:
    told = json.loads(JSON.event(LogLevel.INFO, "True", {"message": "false", "level": "x"}, NOW))

    assert (told["message"], told["level"]) == ("True", "info")


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (LogLevel.DEBUG, "debug"),
        (inet_address("::1", 1), "[::1]:1"),
        (ValueError("no"), "no"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (0.25, 0.25),
        (b"\xff", r"b'\xff'"),
    ],
)
def test_a_field_may_be_any_object(value: object, known: object) -> None:
    assert plain(value) == known
    assert json.loads(JSON.event(LogLevel.INFO, "m", {"value": value}, NOW))["value"] == known


@given(text=ANY_TEXT, level=st.sampled_from(LogLevel))
@pytest.mark.parametrize("log_format", LogFormat)
def test_hostile_text_in_every_field_stays_on_one_line(
    log_format: LogFormat, text: str, level: LogLevel
) -> None:
    record = attrs.evolve(
        RECORD,
        listener=text,
        client=UnixAddress(text),
        address=UnixAddress(text),
        reason=text,
        pool=text,
        backend=text,
        backend_address=text,
    )
    lines = LINES[log_format]

    for line in (
        lines.connection(record, level, NOW),
        lines.event(level, text, {"text": text, "error": ValueError(text)}, NOW),
    ):
        assert f"{line}.".splitlines() == [f"{line}."]
        assert line.isprintable()
        line.encode()


@given(ANY_TEXT)
def test_hostile_text_forges_no_key(text: str) -> None:
    record = attrs.evolve(RECORD, reason=text, pool=text, client=UnixAddress(text))

    as_text = TEXT.connection(record, LogLevel.INFO, NOW)
    as_json = json.loads(JSON.connection(record, LogLevel.INFO, NOW))

    assert len(re.findall(r' [a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^ "]+)', as_text)) == 23
    assert (as_json["reason"], as_json["client"]) == (text or None, f"unix:{text}")


def test_headers() -> None:
    def head(log_format: LogFormat, level: LogLevel, *, syslog: bool) -> str:
        dated = header(log_format, syslog=syslog, pid=5)(level, NOW)
        return re.sub(r"\w{3} [ \d]\d \d\d:\d\d:\d\d", "DATE", dated)

    assert head(LogFormat.TEXT, LogLevel.INFO, syslog=False) == ""
    assert head(LogFormat.JSON, LogLevel.INFO, syslog=False) == ""
    assert head(LogFormat.HAPROXY, LogLevel.INFO, syslog=False) == "DATE localhost haproxy[5]: "
    assert head(LogFormat.HAPROXY, LogLevel.INFO, syslog=True) == "<134>DATE haproxy[5]: "
    assert head(LogFormat.JSON, LogLevel.ERROR, syslog=True) == "<131>DATE trio-balancer[5]: "
    assert head(LogFormat.TEXT, LogLevel.WARNING, syslog=True) == "<132>DATE trio-balancer[5]: "
    assert head(LogFormat.TEXT, LogLevel.DEBUG, syslog=True) == "<135>DATE trio-balancer[5]: "


def test_the_journal_gets_the_priority_alone() -> None:
    for log_format in LogFormat:
        head = header(log_format, syslog=False, journal=True, pid=5)
        assert [head(level, NOW) for level in LogLevel] == ["<7>", "<6>", "<4>", "<3>"]


def test_milliseconds_carry_into_the_second() -> None:
    assert timestamp(NOW + 0.8628) == "2026-11-22T18:42:29.000Z"
