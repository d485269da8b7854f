from __future__ import annotations

import ast
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.escape import escape, word

# Lone surrogates, which `st.text` leaves out by default, come from bytes that are not UTF-8.
ANY_TEXT = st.text(st.characters(exclude_categories=()))
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize(
    "text", ["", "plain", "two words", "Grüße, 東京", "smile \N{WINKING FACE}"]
)
def test_printable_text_is_left_alone(text: str) -> None:
    assert escape(text) is text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\0\x7f\x85\x9b", r"\x00\x7f\x85\x9b"),
        ("\u2028\u2029\u202e\u2066\ufeff\u200b", r"\u2028\u2029\u202e\u2066\ufeff\u200b"),
        ("\udcff", r"\udcff"),
        ("\U000e0001", r"\U000e0001"),
        ("\u00a0", r"\xa0"),
        ('say "no"', r"say \"no\""),
        (r"a\nb", r"a\\nb"),
        ("ü\n", r"ü\n"),
    ],
)
def test_what_could_forge_a_line_is_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(ANY_TEXT)
def test_one_text_stays_on_one_line_without_controls(text: str) -> None:
    escaped = escape(text)

    assert len(f"{escaped}.".splitlines()) == 1
    assert not any(unicodedata.category(c)[0] == "C" for c in escaped)
    assert not any(end in escaped for end in LINE_ENDS)
    escaped.encode()


@given(ANY_TEXT)
def test_an_escaped_text_can_be_read_back_in_one_way(text: str) -> None:
    assert ast.literal_eval(f'"{escape(text)}"') == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("web", "web"),
        ("[::1]:80", "[::1]:80"),
        ("--", "--"),
        ("", '""'),
        ("-", '"-"'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('"', r'"\""'),
        ("a\nb", r'"a\nb"'),
    ],
)
def test_a_word_is_quoted_where_it_would_not_be_one(text: str, value: str) -> None:
    assert word(text) == value


@given(ANY_TEXT)
def test_a_word_never_ends_early(text: str) -> None:
    value = word(text)

    if value.startswith('"'):
        assert ast.literal_eval(value) == text
    else:
        assert value == text
        assert not set(value) & set(' ="\\')
