"""trio-balancerctl as a process of its own, with pipes or with a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
from support import process

COMMAND = (
    sys.executable,
    "-c",
    "import sys; from trio_balancer.control.ctl import main; sys.exit(main())",
)


def environment(socket: Path) -> dict[str, str]:
    """Return the environment of a program that finds the socket by itself."""
    inherited = process.environment()
    # They would say how large the window is, whatever it is: parallel runs of tests set them.
    for name in ("COLUMNS", "LINES"):
        inherited.pop(name, None)
    return inherited | {
        "TRIO_BALANCER_SOCKET": str(socket),
        "TERM": "xterm",
        "NO_COLOR": "1",
    }


def hear_interrupts() -> None:
    """Undo what a shell does to its jobs in the background, and to all that those start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@attrs.define(eq=False)
class OnTerminal:
    """A process on a terminal of 80 columns and 24 lines; `shown` is all that it wrote."""

    popen: subprocess.Popen[bytes]
    master: int
    shown: str = ""

    def wait_for(self, text: str) -> None:
        """Read until a text was written; raises OSError when the process ended before."""
        while text not in self.shown:
            self.shown += os.read(self.master, 65536).decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def wait_end(self) -> int:
        """Read all that it still writes, and return its exit status."""
        try:
            while data := os.read(self.master, 65536):
                self.shown += data.decode("utf-8", "replace")
        except OSError:
            # Linux's way to say that nobody has the other side open.
            pass
        return self.popen.wait()


@contextmanager
def on_terminal(socket: Path, *words: str) -> Iterator[OnTerminal]:
    """Run the program on a terminal of its own."""
    master, slave = pty.openpty()
    size = {"COLUMNS": "80", "LINES": "24"}
    popen = subprocess.Popen(
        [*COMMAND, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(socket) | size,
        start_new_session=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509  # it takes no locks
    )
    os.close(slave)
    try:
        yield OnTerminal(popen, master)
    finally:
        popen.kill()
        popen.wait()
        os.close(master)
