"""What the benchmark ran on."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import Missing, program_version

_GIB = 2**30


def describe_machine() -> list[tuple[str, str]]:
    """Return pairs of a name and what there is to say, as it is now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return [
        ("Date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
        ("Processor", f"{os.cpu_count()} × {_processor()}"),
        ("Memory", f"{memory / _GIB:.0f} GiB"),
        ("Load before", f"{load} (1, 5 and 15 minutes)"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("Backends", f"nginx {_version('nginx', '-v')}, iperf3 {_version('iperf3', '--version')}"),
        ("Clients", f"wrk {_version('wrk', '-v')}, iperf3"),
    ]


def _version(name: str, option: str) -> str:
    found = program_version(name, option)
    return "(not installed)" if isinstance(found, Missing) else found


def _processor() -> str:
    return processor_name(Path("/proc/cpuinfo").read_text()) or platform.machine()


def processor_name(cpuinfo: str) -> str | None:
    """Read the model of the first processor out of /proc/cpuinfo; ARM's has none."""
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1] if found else None
