"""What an OSError from the network means to us."""

from __future__ import annotations

import errno
import socket

# Out of descriptors, memory or free local ports. EADDRNOTAVAIL is how Linux's connect says that
# every ephemeral port toward that address is taken (connect(2)).
_SHORTAGES = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}
)


def is_local_trouble(error: OSError) -> bool:
    """Whether this machine ran out of something, so that the peer is not to blame."""
    if isinstance(error, socket.gaierror):
        # getaddrinfo's error numbers are its own, and some look like an errno.
        return error.errno == socket.EAI_MEMORY
    return error.errno in _SHORTAGES


def describe(error: OSError) -> str:
    """Say in a few words what went wrong: "Connection refused"."""
    return error.strerror or str(error) or type(error).__name__
