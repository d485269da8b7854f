"""The balancer as a process of its own: started with a configuration, always ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
from support import relays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
# Generous: CI machines are slow, and what is late for other reasons fails in its own test.
PATIENCE = 15


def wait_until(condition: Callable[[], bool], *, within: float = PATIENCE) -> None:
    """Poll until the condition holds; raises TimeoutError after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {within} s")
        time.sleep(0.005)


@attrs.define(eq=False)
class Process:
    """A process of the balancer; what it prints is in files, so that it never waits for us."""

    popen: subprocess.Popen[bytes]
    #: Where to read of being ready; end-of-file says that the balancer has closed it.
    ready: int
    out: Path
    err: Path
    pid: int = 0
    listeners: dict[str, list[str]] = attrs.Factory(dict)

    def wait_ready(self, within: float = PATIENCE) -> None:
        """Learn the pid and the real addresses."""
        line = _read_to_end(self.ready, within)
        if not line:
            raise EOFError(f"the balancer never served: {self.stderr()}")
        told = json.loads(line)
        self.pid = told["pid"]
        self.listeners = told["listeners"]

    @property
    def port(self) -> int:
        """The port of the first address of the listener "web"."""
        return int(self.listeners["web"][0].rpartition(":")[2])

    def stdout(self) -> str:
        """Return what it printed up to now."""
        return self.out.read_text()

    def stderr(self) -> str:
        """Return what it complained of up to now."""
        return self.err.read_text()

    def log(self) -> list[dict[str, object]]:
        """Return the lines of a log in JSON on standard output."""
        whole = self.stdout().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def records(self) -> list[dict[str, object]]:
        """Return the finished connections of such a log."""
        return [line for line in self.log() if line["kind"] == "connection"]

    def signal(self, number: int) -> None:
        """Send a signal to the balancer itself, whatever it was started by."""
        os.kill(self.pid or self.popen.pid, number)

    def wait(self, within: float = PATIENCE) -> int:
        """Wait for its end; returns the exit status."""
        return self.popen.wait(within)

    def stop(self) -> int:
        """Ask it to drain, and wait."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def cpu_seconds(self) -> float:
        """Return the processor time that all its threads have taken."""
        # After the name in parentheses: the 12th and 13th are utime and stime, proc(5).
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self) -> int:
        """Count its descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - a count, not paths


@contextmanager
def balancer(
    directory: Path,
    text: str,
    *options: str,
    ready: bool = True,
    stdout: int | None = None,
    prefix: Sequence[str] = (),
    pass_fds: Sequence[int] = (),
    environ: Mapping[str, str] | None = None,
    name: str = "balancer",
) -> Iterator[Process]:
    """Run `python -m trio_balancer` while the block runs.

    `ready`: wait until it serves. `stdout`: a descriptor to print to, instead of a file that
    `Process.stdout` reads. `prefix`: a command that starts the command. `pass_fds` and `environ`
    are what it gets beside ours. Files are in `directory` and begin with `name`.
    """
    config = directory / f"{name}.toml"
    config.write_text(text)
    out, err = directory / f"{name}.out", directory / f"{name}.err"
    reading, writing = os.pipe()
    command = [*prefix, sys.executable, "-m", "trio_balancer", "--ready-fd", str(writing)]
    try:
        with out.open("wb") as out_file, err.open("wb") as err_file:
            popen = subprocess.Popen(
                [*command, *relays.options(), *options, str(config)],
                stdin=subprocess.DEVNULL,
                stdout=out_file if stdout is None else stdout,
                stderr=err_file,
                pass_fds=[writing, *pass_fds],
                env={**environment(), **(environ or {})},
            )
        os.close(writing)
        process = Process(popen, reading, out, err)
        with popen:
            try:
                if ready:
                    process.wait_ready()
                yield process
            finally:
                _end(process)
    finally:
        os.close(reading)
    assert "Traceback" not in process.stderr()


def environment() -> dict[str, str]:
    """Return our environment, from which the package can be imported as it is here."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _read_to_end(descriptor: int, within: float) -> bytes:
    deadline = time.monotonic() + within
    data = b""
    while select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
        chunk = os.read(descriptor, 4096)
        if not chunk:
            return data
        data += chunk
    raise TimeoutError(f"not ready after {within} s")


def _end(process: Process) -> None:
    """End it in a way that lets coverage write its data, if that works."""
    for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        if process.popen.poll() is not None:
            return
        process.signal(number)
        if number == signal.SIGTERM:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                continue


def config_text(
    *backends: int | str,
    bind: str = "127.0.0.1:0",
    balancer: str = "",
    log: str = "",
    listener: str = "",
    pool: str = "",
    health: str = 'type = "none"',
) -> str:
    """Write a configuration with the listener "web" and the pool "app".

    A backend is a port of 127.0.0.1 or an address. The others are lines for their section.
    """
    addresses = [f"127.0.0.1:{one}" if isinstance(one, int) else one for one in backends]
    return f"""
[balancer]
{balancer}
[log]
{log}
[listeners.web]
bind = "{bind}"
pool = "app"
{listener}
[pools.app]
backends = {json.dumps(addresses)}
{pool}
[pools.app.health]
{health}
"""


def need(*programs: str) -> None:
    """Skip the test where one of these programs is missing."""
    for program in programs:
        if subprocess.run(["which", program], capture_output=True, check=False).returncode:
            pytest.skip(f"{program} is not installed")
