from __future__ import annotations

import os
import pty
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import attrs
import pytest
from support.control_server import control_server, ok, status_of
from support.ctl_process import OnTerminal, on_terminal

from trio_balancer.control.ctl.errors import UsageError
from trio_balancer.control.ctl.screen import Screen, full_screen

ENTER = "\x1b[?1049h\x1b[?25l"
LEAVE = "\x1b[?25h\x1b[?1049l"


@attrs.frozen
class Terminal:
    """Both sides of a terminal that standard input and output are connected to."""

    master: int
    slave: int

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def written(self) -> str:
        return os.read(self.master, 65536).decode()


@contextmanager
def standard_streams(terminal: Terminal) -> Iterator[None]:
    """Connect standard input and output to the terminal.

    Not in a fixture: between a test's fixtures and the test pytest puts its own streams in place.
    """
    with (
        open(terminal.slave, encoding="utf-8", closefd=False) as stdin,
        open(terminal.slave, "w", encoding="utf-8", closefd=False) as stdout,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdin", stdin)
        patch.setattr(sys, "stdout", stdout)
        yield


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    yield Terminal(master, slave)
    os.close(master)
    os.close(slave)


def test_the_terminal_is_given_back_as_it_was(terminal: Terminal) -> None:
    with standard_streams(terminal), full_screen():
        assert terminal.written() == ENTER
        assert not terminal.echoes
    assert terminal.written() == LEAVE
    assert terminal.echoes


def test_the_terminal_is_given_back_when_it_ends_badly(terminal: Terminal) -> None:
    with pytest.raises(KeyboardInterrupt), standard_streams(terminal), full_screen():
        raise KeyboardInterrupt
    assert terminal.echoes


def test_a_page_is_drawn_over_the_one_before(terminal: Terminal) -> None:
    with standard_streams(terminal), full_screen() as screen:
        terminal.written()
        screen.draw(["one", "two"])
        assert terminal.written() == "\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J"


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (b"q", "q"),
        (b" ", "page down"),
        (b"\x1b", "escape"),
        (b"\x1b[A", "up"),
        (b"\x1bOB", "down"),
        (b"\x1b[5~", "page up"),
        (b"\x1b[99~", "\x1b"),
        (b"nn", "n"),
    ],
)
def test_keys_have_names(terminal: Terminal, sent: bytes, key: str) -> None:
    with standard_streams(terminal), full_screen() as screen:
        os.write(terminal.master, sent)
        assert screen.key(10) == key


def test_nobody_presses_a_key(terminal: Terminal) -> None:
    assert Screen(terminal.slave).key(0) is None


def test_the_terminal_is_gone() -> None:
    master, slave = pty.openpty()
    screen = Screen(slave)
    os.close(master)
    assert screen.key(10) == "closed"
    os.close(slave)


def test_the_size_is_that_of_the_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setenv("LINES", "20")
    assert Screen(terminal.slave).size == (70, 20)


def test_a_pipe_is_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO())
    with pytest.raises(UsageError, match="top needs a terminal"), full_screen():
        pass


def test_a_dumb_terminal_is_no_screen(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    refused = pytest.raises(UsageError, match="top needs a terminal")
    with standard_streams(terminal), refused, full_screen():
        pass


@pytest.fixture
def top(tmp_path: Path) -> Iterator[OnTerminal]:
    path = tmp_path / "s"
    with control_server(path, lambda _: ok(status_of(200))), on_terminal(path, "top") as top:
        top.wait_for("1–15 of 200")
        yield top


def test_q_quits(top: OnTerminal) -> None:
    top.press("q")
    assert top.wait_end() == 0
    assert top.shown.endswith(LEAVE)


def test_a_key_changes_the_page(top: OnTerminal) -> None:
    top.press("\x1b[6~")
    top.wait_for("16–30 of 200")
    top.press("q")
    assert top.wait_end() == 0


def test_a_signal_ends_it_politely(top: OnTerminal) -> None:
    top.popen.send_signal(signal.SIGTERM)
    assert top.wait_end() == 128 + signal.SIGTERM
    assert top.shown.endswith(LEAVE)


def test_ctrl_c_ends_it_politely(top: OnTerminal) -> None:
    top.popen.send_signal(signal.SIGINT)
    assert top.wait_end() == 130
    assert top.shown.endswith(LEAVE)


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(top: OnTerminal) -> None:
    top.popen.send_signal(signal.SIGTSTP)
    _, status = os.waitpid(top.popen.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    top.wait_for(LEAVE)
    top.shown = ""
    top.popen.send_signal(signal.SIGCONT)
    top.wait_for(ENTER)
    top.wait_for("1–15 of 200")
    top.press("q")
    assert top.wait_end() == 0
