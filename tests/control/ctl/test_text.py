from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.control.ctl.text import (
    columns,
    fit,
    fit_address,
    fit_addresses,
    fit_place,
    harmless,
    pad,
)


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


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("127.0.0.1:80", 12, "127.0.0.1:80"),
        ("[2001:db8::1]:15432", 14, "[2001:d…:15432"),
        ("server-01.example.com", 12, "server-01.e…"),
        ("10.0.0.1:80", 5, "1…:80"),
        ("10.0.0.1:80", 4, "10.…"),
        ("10.0.0.1:80", 0, ""),
    ],
)
def test_an_address_keeps_its_port(text: str, room: int, shown: str) -> None:
    assert fit_address(text, room) == shown


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (99, "10.0.0.1:80 [::1]:80 10.0.0.2:80"),
        (24, "10.0.0.1:80 [::1]:80 +1"),
        (22, "10.0.0.1:80 +2"),
        (12, "10.0.0.1:80"),
        (8, "10.0…:80"),
    ],
)
def test_addresses_are_counted_where_there_is_no_room_for_all(room: int, shown: str) -> None:
    assert fit_addresses("10.0.0.1:80 [::1]:80 10.0.0.2:80", room) == shown


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("app/s1", 6, "app/s1"),
        ("application/s1", 12, "applicat…/s1"),
        ("application/server-01.example.com", 20, "appl…/server-01.exa…"),
        ("application/10.11.12.13:8080", 20, "appl…/10.11.12…:8080"),
        ("app/10.11.12.13:8080", 16, "app/10.11.…:8080"),
        ("listener web", 9, "listener…"),
        ("app/s1", 3, "ap…"),
    ],
)
def test_of_a_place_the_pool_is_cut_first(text: str, room: int, shown: str) -> None:
    assert fit_place(text, room) == shown


@given(st.text(alphabet="名a/: 1\u0301"), st.integers(0, 20))
def test_nothing_that_is_cut_takes_more_than_its_room(text: str, room: int) -> None:
    for cut in (fit_address, fit_addresses, fit_place):
        assert columns(cut(text, room)) <= room


def test_spaces_fill_the_room() -> None:
    assert pad("名", 4) == "名  "
    assert pad("12", 4, right=True) == "  12"
