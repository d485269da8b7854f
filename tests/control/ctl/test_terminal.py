from __future__ import annotations

import io

import pytest

from trio_balancer.control.ctl.terminal import Style, Terminal, look_at


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_has_neither_colours_nor_a_width() -> None:
    assert look_at(io.StringIO(), {"TERM": "xterm"}) == Terminal(colors=False, width=None)


@pytest.mark.parametrize(
    ("environment", "colors"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colours_are_for_terminals_whose_user_wants_them(
    environment: dict[str, str], *, colors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "66")
    assert look_at(Tty(), environment) == Terminal(colors=colors, width=66)


def test_a_style_is_an_ansi_sequence() -> None:
    assert Terminal(colors=True).paint("up", Style.GOOD) == "\x1b[32mup\x1b[0m"


@pytest.mark.parametrize(("text", "style"), [("up", Style.PLAIN), ("", Style.GOOD)])
def test_nothing_is_painted_in_vain(text: str, style: Style) -> None:
    assert Terminal(colors=True).paint(text, style) == text


def test_without_colours_text_stays_text() -> None:
    assert Terminal().paint("up", Style.GOOD) == "up"
