"""The unit files: valid, hard, and not too hard for the balancer."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.hardened import allowed_calls, prefix, settings
from support.process import ROOT, balancer, config_text, need, wait_until
from support.servers import echo_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.process import Process

PACKAGING = ROOT / "packaging"
UNIT = PACKAGING / "trio-balancer.service"
SOCKET = PACKAGING / "trio-balancer.socket"
# Points of 10 that systemd-analyze gives for what a service may do; below 2 is "OK".
MOST_EXPOSURE = 2.0

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can give rights away")


def test_they_are_valid(tmp_path: Path) -> None:
    need("systemd-analyze")
    for unit in (UNIT, SOCKET):
        # The program need not be installed to look at its unit.
        text = unit.read_text().replace("/opt/trio-balancer/bin/trio-balancer", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    paths = [tmp_path / unit.name for unit in (UNIT, SOCKET)]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    ours = [line for line in said.stderr.splitlines() if "trio-balancer" in line]
    assert ours == []


def test_little_is_exposed() -> None:
    need("systemd-analyze")
    said = subprocess.check_output(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT], text=True
    )
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert found is not None
    assert float(found[1]) < MOST_EXPOSURE


def test_the_filter_is_what_it_says() -> None:
    need("systemd-analyze")
    calls = allowed_calls(UNIT)
    assert {"accept4", "epoll_wait", "splice", "execve"} <= calls
    assert not {"setuid", "mount", "ptrace", "bpf", "chown"} & calls


@pytest.fixture
def hardened(tmp_path: Path) -> Iterator[Process]:
    """A balancer on a low port, with a Unix socket and a log, under the unit's filter."""
    need("systemd-analyze", "setpriv")
    with echo_server() as backend:
        text = config_text(
            backend,
            "localhost:9",
            bind="127.99.0.2:82",
            log='file = "balancer.log"\nformat = "json"',
            listener="",
            health='interval = "100ms"',
        ).replace('bind = "127.99.0.2:82"', 'bind = ["127.99.0.2:82", "unix:web.sock"]')
        with balancer(tmp_path, text, prefix=prefix(UNIT)) as process:
            yield process


def test_it_has_the_rights_that_the_unit_gives_and_no_other(hardened: Process) -> None:
    status = Path(f"/proc/{hardened.pid}/status").read_text().splitlines()
    fields = dict(line.split(":\t", 1) for line in status)
    bind_service = 1 << 10  # CAP_NET_BIND_SERVICE in linux/capability.h
    assert settings(UNIT)["CapabilityBoundingSet"] == ["CAP_NET_BIND_SERVICE"]
    assert [int(fields[name], 16) for name in ("CapBnd", "CapPrm", "CapEff")] == [bind_service] * 3
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_it_works_under_the_units_filter(hardened: Process, tmp_path: Path) -> None:
    bulk = os.urandom(8 << 20)
    log = tmp_path / "balancer.log"
    for address in (("127.99.0.2", 82), str(tmp_path / "web.sock")):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with socket.socket(family) as client:
            client.settimeout(15)
            client.connect(address)
            assert echoed(client, bulk) == bulk
    hardened.signal(signal.SIGHUP)
    wait_until(lambda: "Reloaded: " in log.read_text())
    assert hardened.stop() == 0
    assert '"level":"error"' not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o640


def echoed(client: socket.socket, data: bytes) -> bytes:
    """Send all in pieces, and return what came back."""
    received = b""
    for start in range(0, len(data), 1 << 16):
        piece = data[start : start + (1 << 16)]
        client.sendall(piece)
        back = b""
        while len(back) < len(piece):
            back += client.recv(1 << 16)
        received += back
    return received
