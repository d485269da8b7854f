"""top as a person sees it: tmux interprets what is written, and tells what stands where."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.control_server import backend_of, control_server, ok, pool_of, status_of
from support.ctl_process import COMMAND, environment
from support.process import wait_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@attrs.frozen
class Tmux:
    """A tmux of its own, with one window."""

    socket: Path
    environment: dict[str, str]

    def __call__(self, *words: str) -> str:
        command = ["tmux", "-S", str(self.socket), "-f", os.devnull, *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    @property
    def lines(self) -> list[str]:
        """What the window shows, without spaces at the ends of lines."""
        return self("capture-pane", "-p").splitlines()

    def wait_for(self, text: str) -> None:
        wait_until(lambda: any(text in line for line in self.lines))


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    path = tmp_path / "s"
    backends = [backend_of(number) for number in range(1, 200)]
    backends.append(backend_of(200, name="名字", state="down", reason="refused\x1b[2J"))
    status = status_of(pools=[pool_of(backends)])
    with control_server(path, lambda _: ok(status)):
        tmux = Tmux(tmp_path / "tmux", environment(path) | {"LC_ALL": "C.UTF-8"})
        command = f"{shlex.join([*COMMAND, 'top'])}; echo ended with $?; cat"
        tmux("new-session", "-d", "-x", "80", "-y", "24", command)
        try:
            yield tmux
        finally:
            tmux("kill-server")


def test_200_backends_on_80_columns(tmux: Tmux) -> None:
    tmux.wait_for("1–15 of 200 by state")
    lines = tmux.lines
    assert lines[0].startswith("trio-balancer 0.1.0, pid 4711")
    assert lines[6] == ("POOL/BACKEND  STATE    FOR  WEIGHT   ACTIVE  RATE  ERRORS    P99  WHY")
    assert lines[7] == (
        "app/名字      down   1d 2h      10  200/200     0       0  12 ms  refused\\x1b[2J"
    )
    assert lines[8].startswith("app/s1  ")
    # The last column of each row ends where that of its title does.
    end = lines[6].index("RATE") + len("RATE")
    assert {line[end - 1] for line in lines[8:22]} == {"0"}


def test_it_follows_the_window(tmux: Tmux) -> None:
    tmux.wait_for("1–15 of 200")
    tmux("resize-window", "-x", "120", "-y", "34")
    tmux.wait_for("1–25 of 200")
    assert "BYTES DOWN" in tmux.lines[3]


def test_keys_sort_scroll_and_quit(tmux: Tmux) -> None:
    tmux.wait_for("by state")
    tmux("send-keys", "a")
    tmux.wait_for("by active")
    assert tmux.lines[7].startswith("app/名字")
    assert tmux.lines[8].startswith("app/s199")
    tmux("send-keys", "NPage")
    tmux.wait_for("16–30 of 200")
    tmux("send-keys", "q")
    tmux.wait_for("ended with 0")
