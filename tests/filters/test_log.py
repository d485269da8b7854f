from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.filtered import Around, configured, lone_connection, receive

from trio_balancer.config.model_filters import Direction, DumpFormat, LogFilterConfig
from trio_balancer.filters.log import LogFilter
from trio_balancer.wire.escape import escape


def make(config: LogFilterConfig) -> tuple[LogFilter, Around]:
    around = Around()
    return LogFilter(lone_connection(), config=config, log=around.log), around


async def test_text_of_both_directions() -> None:
    around = Around()
    async with configured(LogFilterConfig("f"), around=around) as it:
        await it.client.send_all(b"GET / HTTP/1.0\r\n")
        await receive(it.backend, 16)
        await it.backend.send_all(b"HTTP/1.0 200")
        await receive(it.client, 12)
    who = {"listener": "web", "connection": 1, "offset": 0}
    assert around.lines == [
        ("Data", who | {"direction": "from-client", "text": "GET / HTTP/1.0\r\n"}),
        ("Data", who | {"direction": "from-backend", "text": "HTTP/1.0 200"}),
    ]


def test_hex_dump() -> None:
    made, around = make(LogFilterConfig("f", format=DumpFormat.HEX))
    assert made.from_client(bytes(range(32)) + b"\xff") == bytes(range(32)) + b"\xff"
    [(_, first), (_, second)] = around.lines
    assert str(first["hex"]).startswith("00 01 02 ")
    assert (second["offset"], second["hex"]) == (32, "ff")


@pytest.mark.parametrize(
    ("direction", "shown"),
    [
        (Direction.BOTH, ["up", "down"]),
        (Direction.FROM_CLIENT, ["up"]),
        (Direction.FROM_BACKEND, ["down"]),
    ],
)
def test_one_direction_only(direction: Direction, shown: list[str]) -> None:
    made, around = make(LogFilterConfig("f", direction=direction))
    assert (made.from_client(b"up"), made.from_backend(b"down")) == (b"up", b"down")
    assert [fields["text"] for _, fields in around.lines] == shown


def test_no_more_than_it_is_told_to() -> None:
    made, around = make(LogFilterConfig("f", max_bytes=5))
    for _ in range(3):
        assert made.from_client(b"abc") == b"abc"
    assert [(message, fields.get("text")) for message, fields in around.lines] == [
        ("Data", "abc"),
        ("Data", "ab"),
        ("The rest is not shown", None),
    ]


def test_everything_if_it_is_told_to() -> None:
    made, around = make(LogFilterConfig("f", max_bytes=math.inf))
    for _ in range(3):
        made.from_client(bytes(1 << 16))
    assert len(around.lines) == 3 * 256


@given(st.binary(min_size=1, max_size=1000))
def test_lines_are_short_and_escaped_bytes_stay_distinct(data: bytes) -> None:
    made, around = make(LogFilterConfig("f"))
    made.from_backend(data)
    texts = [str(fields["text"]) for _, fields in around.lines]
    assert "".join(texts).encode("utf-8", "surrogateescape") == data
    assert all(len(text) <= 256 for text in texts)
    assert all(escape(text).isprintable() for text in texts)
