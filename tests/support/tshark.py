"""tshark, Wireshark's other half, reading capture files."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

# Off by default, because real captures are made before the network card fills them in.
_CHECKSUMS = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]


def tshark(file: Path, *arguments: str) -> str:
    """Return what tshark says about a file; it must have nothing to complain of."""
    done = subprocess.run(
        ["tshark", "-n", *_CHECKSUMS, "-r", str(file), *arguments],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    complaints = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    assert complaints == []
    return done.stdout


def fields(file: Path, *names: str, only: str = "frame") -> list[list[str]]:
    """Return fields of every packet that passes a display filter."""
    wanted = [part for name in names for part in ("-e", name)]
    output = tshark(file, "-Y", only, "-T", "fields", *wanted)
    return [line.split("\t") for line in output.splitlines()]


def conversation(file: Path, stream: int = 0) -> list[tuple[str, bytes]]:
    """Follow a TCP stream; returns who said what: "client" or "server"."""
    output = tshark(file, "-q", "-z", f"follow,tcp,raw,{stream}")
    body = output.split("Node 1: ", 1)[1].splitlines()[1:-1]
    return [
        ("server" if line.startswith("\t") else "client", bytes.fromhex(line.strip()))
        for line in body
    ]
