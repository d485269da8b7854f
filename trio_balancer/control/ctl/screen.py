"""A terminal that shows one page, and whose keys arrive one by one.

By ANSI sequences (ECMA-48, and xterm's alternate screen) rather than curses: the page is made of
the same coloured lines as the tables on standard output.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from trio_balancer.control.ctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None]

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_REST_OF_LINE = "\x1b[K"
_REST_OF_PAGE = "\x1b[J"
_KEYS = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
    b" ": "page down",
    b"\x1b": "escape",
    b"": "closed",
}
_LONGEST_KEY = 32


class Screen:
    """The terminal, between `enter` and `leave`."""

    def __init__(self, descriptor: int) -> None:
        self._input = descriptor
        self._before = termios.tcgetattr(descriptor)

    def enter(self) -> None:
        """Turn to a page of our own, and let keys come at once."""
        tty.setcbreak(self._input)
        _write(_ENTER)

    def leave(self) -> None:
        """Give the terminal back as it was."""
        _write(_LEAVE)
        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    @property
    def size(self) -> tuple[int, int]:
        """Its columns and lines at this moment."""
        found = shutil.get_terminal_size()
        return found.columns, found.lines

    def draw(self, lines: Sequence[str]) -> None:
        """Show a page, which must not be larger than the screen."""
        page = "\n".join(line + _REST_OF_LINE for line in lines)
        # In one piece, and over the old one rather than after wiping it: so it does not flicker.
        sys.stdout.write(_HOME + page + _REST_OF_PAGE)
        sys.stdout.flush()

    def key(self, patience: float) -> str | None:
        """Return the next key, None after `patience` seconds without one.

        Letters are themselves, others have names like "page down"; "closed" means that the
        terminal is gone.
        """
        ready, _, _ = select.select([self._input], [], [], patience)
        if not ready:
            return None
        # What one key sends arrives as a whole.
        pressed = os.read(self._input, _LONGEST_KEY)
        return _KEYS.get(pressed) or pressed[:1].decode("latin-1")


@contextmanager
def full_screen() -> Iterator[Screen]:
    """Borrow the terminal, whatever ends that; raises UsageError where there is none."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise UsageError("top needs a terminal; `status` writes into files and pipes as well")
    screen = Screen(sys.stdin.fileno())
    handlers: dict[signal.Signals, Handler] = {
        signal.SIGTERM: _end,
        signal.SIGHUP: _end,
        # Ctrl-Z.
        signal.SIGTSTP: partial(_pause, screen),
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    screen.enter()
    try:
        yield screen
    finally:
        screen.leave()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _pause(screen: Screen, _number: int, _frame: FrameType | None) -> None:
    screen.leave()
    # Stopped by a signal that cannot be caught; the shell then goes on until `fg`.
    os.kill(os.getpid(), signal.SIGSTOP)
    screen.enter()


def _write(sequence: str) -> None:
    sys.stdout.write(sequence)
    sys.stdout.flush()
