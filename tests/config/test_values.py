from __future__ import annotations

import math
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config import values
from trio_balancer.config.model import Policy
from trio_balancer.config.values import MisspeltError, Parser

ANYTHING: st.SearchStrategy[object] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.dates()
    | st.just([])
    | st.just({})
    | st.just(16**6000)
)
PARSERS: list[Parser[object]] = [
    values.boolean,
    values.text,
    values.whole(1),
    values.number(0, 1),
    values.duration(),
    values.duration(zero=True, off=True),
    values.seconds_within(1, 2),
    values.choice(Policy),
    values.name,
    values.visible_ascii,
    values.http_path,
    values.octets,
    values.attempts,
    values.file_mode,
    values.status_ranges,
]


def _complaint(parse: Parser[object], value: object) -> str | None:
    try:
        parse(value)
    except ValueError as error:
        return str(error)
    return None


@given(st.sampled_from(PARSERS), ANYTHING)
def test_a_parser_returns_or_raises_a_short_sentence(parse: Parser[object], value: object) -> None:
    complaint = _complaint(parse, value)
    assert complaint is None or re.match(r"expected .{10,240}\Z", complaint)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("250ms", 0.25), ("5s", 5), ("1.5h", 5400), ("10m", 600), ("0.5ms", 0.0005)],
)
def test_durations(value: str, seconds: float) -> None:
    assert values.duration()(value) == seconds


def test_a_duration_may_be_zero_or_off_where_that_makes_sense() -> None:
    parse = values.duration(zero=True, off=True)
    assert parse("0s") == 0
    assert parse("off") == math.inf


@pytest.mark.parametrize(
    "value",
    ["0s", "0.0ms", "off", "5", "-1s", "1 s", "s", "1d", "1e3s", "\u0663s", "1s\n", "1234567890s"],
)
def test_what_is_no_duration_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="expected a duration above zero like"):
        values.duration()(value)


@pytest.mark.parametrize("value", [5, 1.5])
def test_a_bare_number_is_told_its_unit(value: float) -> None:
    with pytest.raises(ValueError, match=f'got {value}; write "{value}s"'):
        values.duration()(value)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, 10**30])
def test_a_bare_number_that_is_no_duration_either_is_told_none(value: object) -> None:
    with pytest.raises(ValueError, match=r"got \S+\Z"):
        values.duration()(value)


def test_seconds_within() -> None:
    parse = values.seconds_within(1, 60)
    assert [parse(value) for value in ("1s", "1m", "off")] == [1, 60, math.inf]
    for value in ("999ms", "61s"):
        with pytest.raises(ValueError, match='from 1s to 60s, or "off"'):
            parse(value)


@pytest.mark.parametrize("value", [-1, 257, 10**30, True, 1.0, math.nan, "1", None])
def test_what_is_no_whole_number_in_range_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number from 0 to 256, got "):
        values.whole(0, 256)(value)


def test_numbers() -> None:
    assert values.whole(0, 256)(256) == 256
    assert values.number(0, 100)(50) == 50.0
    assert values.number(0, 1)(0.1) == 0.1


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf, True, 10**400, "1"])
def test_what_is_no_number_in_range_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a number from 0 to 1, got "):
        values.number(0, 1)(value)


def test_a_choice_suggests_what_was_meant() -> None:
    parse = values.choice(Policy)
    assert parse("first") is Policy.FIRST
    with pytest.raises(MisspeltError, match="expected one of 'round-robin', ") as caught:
        parse("rond-robin")
    assert caught.value.suggestion == "round-robin"
    wrong: list[object] = ["zzz", 5, []]
    for value in wrong:
        with pytest.raises(MisspeltError) as caught:
            parse(value)
        assert caught.value.suggestion is None


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "a/b", "\ud800", "a\u00a0b", 1])
def test_names_can_stand_in_a_log(value: object) -> None:
    with pytest.raises(ValueError, match="expected a name without spaces"):
        values.name(value)


@pytest.mark.parametrize("value", ["healthz", "", "/a b", "/a\r\n", "/ä", 1])
def test_an_http_path_can_stand_in_a_request(value: object) -> None:
    with pytest.raises(ValueError, match="expected "):
        values.http_path(value)


def test_words() -> None:
    assert values.http_path("/healthz?a=1") == "/healthz?a=1"
    assert values.name("münchen-1") == "münchen-1"
    assert values.octets("PING ä\r\n") == b"PING \xc3\xa4\r\n"
    assert values.boolean(True) is True  # noqa: FBT003  # the value under test
    assert values.closest("polcy", ["pool", "policy"]) == "policy"


@pytest.mark.parametrize("value", ["", "\ud800", 1])
def test_octets_are_text_that_has_bytes(value: object) -> None:
    with pytest.raises(ValueError, match="expected text"):
        values.octets(value)


def test_attempts() -> None:
    assert values.attempts("all") is None
    assert values.attempts(1) == 1
    wrong: list[object] = [0, "none", True, 2.0, date(2024, 1, 1)]
    for value in wrong:
        with pytest.raises(ValueError, match='at least 1, or "all", got '):
            values.attempts(value)


def test_file_modes_are_octal() -> None:
    assert values.file_mode("0660") == values.file_mode("660") == 0o660
    for value in ("0999", 660, "1777", "", "0660\n", "\u0660660"):
        with pytest.raises(ValueError, match="expected an octal file mode"):
            values.file_mode(value)


def test_status_ranges() -> None:
    assert values.status_ranges("200-399") == ((200, 399),)
    assert values.status_ranges("200, 204,301-302") == ((200, 200), (204, 204), (301, 302))
    for value in (200, "", "200,", "399-200", "20", "600", "200-", "\u066200"):
        with pytest.raises(ValueError, match="expected HTTP status codes"):
            values.status_ranges(value)
