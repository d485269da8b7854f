"""Stands between a test and a server that it has started, and outlives neither.

Run as a script: `guard.py COMMAND ...`. It runs the command in a process group of its own, and
kills the group when its standard input ends: that is when the test's process is gone, however it
went. It imports nothing but the standard library, so that it starts fast.

What it says, on standard output: "ready", or "error TEXT" where the command cannot be started;
then "done" for each line that it reads, which is the name of a signal for the group. The command
prints to the guard's standard error. The exit status is the command's, as subprocess has it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main(command: list[str]) -> None:
    """Run the command, and do as told until either ends."""
    try:
        child = subprocess.Popen(  # noqa: S603  # running it is what this is for
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), process_group=0
        )
    except OSError as error:
        _say(f"error {error.strerror}: {command[0]}")
        return
    _say("ready")
    threading.Thread(target=_obey, args=(child.pid,), daemon=True).start()
    # Not reaped yet, so that its number stays that of the group.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    _signal(child.pid, signal.SIGKILL)
    # At once: the other thread sits in a read.
    os._exit(child.wait() & 0xFF)


def _obey(group: int) -> None:
    for line in sys.stdin:
        _signal(group, signal.Signals[line.strip()])
        _say("done")
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone; macOS: only zombies are left
        os.killpg(group, number)


def _say(text: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
