"""How much memory a process has in use."""

from __future__ import annotations

from pathlib import Path

MIB = 1 << 20


def resident(pid: int) -> int:
    """Return the resident set of a process in bytes (VmRSS of proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) * 1024
    raise ProcessLookupError(f"process {pid} has no memory any more")
