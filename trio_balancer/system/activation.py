"""Sockets that the process was started with: systemd's socket activation.

Source: sd_listen_fds(3). Descriptors from 3 on are handed over, `LISTEN_FDS` of them, to the
process `LISTEN_PID`; `LISTEN_FDNAMES` are their names with colons between them.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_FIRST = 3
# What sd_listen_fds_with_names(3) calls those without a name.
_NAMELESS = "unknown"


def claim_sockets(environ: MutableMapping[str, str], pid: int) -> dict[int, str]:
    """Return the descriptors that were handed over to us, with their names.

    They, and the variables that tell of them, are not passed on to processes that we start.
    Raises OSError where the variables make no sense, or a descriptor is not open.
    """
    receiver, count, names = (environ.pop(key, "") for key in _VARIABLES)
    if receiver != str(pid):
        return {}
    if not (count.isascii() and count.isdigit()):
        raise OSError(errno.EINVAL, f"LISTEN_FDS is not a number: {count!r}")
    descriptors = range(_FIRST, _FIRST + int(count))
    claimed = dict(zip(descriptors, _split(names, len(descriptors)), strict=True))
    for descriptor in claimed:
        _keep_to_ourselves(descriptor)
    return claimed


_VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def _split(names: str, count: int) -> list[str]:
    if not names:
        return [_NAMELESS] * count
    split = names.split(":")
    if len(split) != count:
        text = f"LISTEN_FDNAMES has {len(split)} names for {count} descriptors"
        raise OSError(errno.EINVAL, text)
    return [name or _NAMELESS for name in split]


def _keep_to_ourselves(descriptor: int) -> None:
    try:
        os.set_inheritable(descriptor, False)  # noqa: FBT003  # it takes no keyword
    except OSError as error:
        text = f"descriptor {descriptor} of LISTEN_FDS: {error.strerror}"
        raise OSError(error.errno, text) from None
