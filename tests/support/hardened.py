"""Starts a command as systemd would under a unit's hardening, where there is no systemd.

`python hardened.py UNIT COMMAND…` applies the unit's system call filter, address families and
MemoryDenyWriteExecute with libseccomp, and becomes the command. What capabilities there are and
NoNewPrivileges is setpriv's to do: see `prefix`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import mmap
import os
import socket
import subprocess
import sys
from pathlib import Path

_ALLOW = 0x7FFF0000  # SCMP_ACT_ALLOW and others in seccomp.h
_ERRNO = 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7
_UNKNOWN = -1


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`: what an argument of a system call must be."""

    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


def prefix(unit: Path) -> list[str]:
    """Return what to put before a command."""
    [capabilities] = settings(unit)["CapabilityBoundingSet"]
    names = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in capabilities.split())
    return [
        "setpriv",
        "--no-new-privs",
        f"--bounding-set=-all,{names}",
        f"--inh-caps=-all,{names}",
        f"--ambient-caps=-all,{names}",
        sys.executable,
        __file__,
        str(unit),
    ]


def settings(unit: Path) -> dict[str, list[str]]:
    """Return the values of each key of a unit file."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def allowed_calls(unit: Path) -> set[str]:
    """Return the system calls that the unit's filters leave."""
    allowed: set[str] = set()
    for value in settings(unit)["SystemCallFilter"]:
        calls = _expand(value.removeprefix("~"))
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    # systemd never takes these away, or it could not start anything.
    return allowed | {"execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "brk", "write"}


def _expand(group: str) -> set[str]:
    text = subprocess.check_output(["systemd-analyze", "syscall-filter", group], text=True)
    names = [line.strip() for line in text.splitlines()[1:]]
    calls = {name for name in names if name and name[0] not in "#@"}
    return calls.union(*(_expand(name) for name in names if name.startswith("@")))


def restrict(unit: Path) -> None:
    """Let the kernel refuse (EPERM) whatever the unit does not allow."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_ERRNO | errno.EPERM))
    families = [getattr(socket, name) for name in _words(unit, "RestrictAddressFamilies")]
    writable = mmap.PROT_WRITE | mmap.PROT_EXEC
    conditions = {
        "socket": [_Comparison(0, _EQUAL, family, 0) for family in families],
        "mmap": [
            _Comparison(2, _MASKED_EQUAL, writable, bits)
            for bits in (0, mmap.PROT_WRITE, mmap.PROT_EXEC)
        ],
        "mprotect": [_Comparison(2, _MASKED_EQUAL, mmap.PROT_EXEC, 0)],
    }
    for name in allowed_calls(unit):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN:
            continue  # of another architecture
        for condition in conditions.get(name, [None]):
            _allow(library, context, number, condition)
    if library.seccomp_load(context):
        raise OSError("the filter was not taken")


def _allow(
    library: ctypes.CDLL, context: ctypes.c_void_p, number: int, condition: _Comparison | None
) -> None:
    conditions = None if condition is None else ctypes.byref(condition)
    library.seccomp_rule_add_array(
        context, ctypes.c_uint32(_ALLOW), number, int(condition is not None), conditions
    )


def _words(unit: Path, key: str) -> list[str]:
    return [word for value in settings(unit)[key] for word in value.split()]


if __name__ == "__main__":
    restrict(Path(sys.argv[1]))
    os.umask(int(settings(Path(sys.argv[1]))["UMask"][0], 8))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  # that is what it is for
