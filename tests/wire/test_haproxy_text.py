from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.haproxy_text import one_line, one_word

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize("text", ["", "plain", 'a "b", c\\', "Grüße, 東京"])
def test_printable_text_is_left_alone(text: str) -> None:
    assert one_line(text) is text


def test_what_ends_a_line_is_escaped_and_nothing_else() -> None:
    assert one_line('a\n"b"\r\u2028') == r'a\n"b"\r\u2028'


def test_nothing_is_a_dash() -> None:
    assert one_word("") == "-"


@given(ANY_TEXT)
def test_one_text_is_one_line_of_one_word(text: str) -> None:
    assert len(one_word(text).split()) == 1
    assert len(f"{one_line(text)}.".splitlines()) == 1
