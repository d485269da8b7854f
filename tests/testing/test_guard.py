"""The guard as it is used: as a script, beside a process that may vanish."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.process import wait_until

from trio_balancer.testing import guard

SLEEP = ["sleep", "1000"]
#: Says its process number and that of a child, and then nothing more.
FAMILY = ["sh", "-c", "sleep 1000 & echo $$ $! >&2; wait"]


@contextmanager
def guarded(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield process


def say(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    return heard(process)


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    process.stdin.close()
    return process.wait(10)


def state(pid: int) -> str:
    """Return the letter of proc(5), "" for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def family_of(process: subprocess.Popen[str]) -> list[int]:
    assert process.stderr is not None
    return [int(word) for word in process.stderr.readline().split()]


def test_it_runs_the_command_and_ends_as_it_does() -> None:
    with guarded("sh", "-c", "echo printed; exit 3") as process:
        assert heard(process) == "ready"
        assert process.wait(10) == 3
        assert process.stderr is not None
        assert process.stderr.read() == "printed\n"


def test_it_says_when_there_is_no_such_command() -> None:
    with guarded("/nowhere/at-all") as process:
        assert heard(process) == "error No such file or directory: /nowhere/at-all"
        assert process.wait(10) == 0


def test_it_kills_the_whole_group_when_it_is_left() -> None:
    with guarded(*FAMILY) as process:
        assert heard(process) == "ready"
        family = family_of(process)
        assert all(state(pid) for pid in family)
        leave(process)
    wait_until(lambda: all(state(pid) in {"", "Z"} for pid in family))


def test_it_kills_those_whom_the_command_leaves_behind() -> None:
    with guarded("sh", "-c", "sleep 1000 & echo $! >&2") as process:
        [orphan] = family_of(process)
        process.wait(10)
    wait_until(lambda: state(orphan) in {"", "Z"})


def test_it_sends_signals_to_the_group() -> None:
    with guarded(*FAMILY) as process:
        assert heard(process) == "ready"
        family = family_of(process)
        assert say(process, "SIGSTOP") == "done"
        wait_until(lambda: [state(pid) for pid in family] == ["T", "T"])
        assert say(process, "SIGCONT") == "done"
        wait_until(lambda: "T" not in [state(pid) for pid in family])
        assert say(process, "SIGKILL") in {"done", ""}, "it may be gone before it says so"
        assert process.wait(10) == -signal.SIGKILL & 0xFF


def test_it_outlives_no_test_process_that_is_killed() -> None:
    code = (
        "import subprocess, sys, time\n"
        "guard = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\n"
        "time.sleep(1000)\n"
    )
    command = [sys.executable, "-I", "-S", guard.__file__, *FAMILY]
    test = subprocess.Popen(
        [sys.executable, "-c", code, *command], stderr=subprocess.PIPE, text=True, bufsize=1
    )
    with test:
        family = family_of(test)
        assert all(state(pid) for pid in family)
        test.kill()
    wait_until(lambda: all(state(pid) in {"", "Z"} for pid in family))


def test_it_is_a_script(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["guard.py", "/nowhere/at-all"])
    runpy.run_path(guard.__file__, run_name="__main__")
    assert capfd.readouterr().out == "error No such file or directory: /nowhere/at-all\n"


def test_a_listener_that_is_gone_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        guard._say("done")
        guard._signal(2**22 + 1, signal.SIGKILL)  # no such group
        # What is still in its buffer must not be an error when it is closed.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, writing)
        os.close(null)
