from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.control.ctl.text import columns, fit, harmless, pad


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("app/s1", "app/s1"),
        ('{"a": "b\\n"}', '{"a": "b\\n"}'),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\u202e", "a\\nb\\u202e"),
    ],
)
def test_only_what_drives_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_no_text_can_drive_a_terminal(text: str) -> None:
    assert harmless(text).isprintable()


def test_chinese_letters_take_two_columns_and_accents_none() -> None:
    assert columns("app") == 3
    assert columns("名字") == 4
    assert columns("e\u0301") == 1


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("backend", 7, "backend"),
        ("backend", 5, "back…"),
        ("名字名", 4, "名…"),
        ("名字名", 5, "名字…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
    ],
)
def test_a_text_is_cut_to_its_room(text: str, room: int, shown: str) -> None:
    assert fit(text, room) == shown


@given(st.text(), st.integers(0, 20))
def test_a_cut_text_never_takes_more_than_its_room(text: str, room: int) -> None:
    assert columns(fit(harmless(text), room)) <= room


def test_spaces_fill_the_room() -> None:
    assert pad("名", 4) == "名  "
    assert pad("12", 4, right=True) == "  12"
