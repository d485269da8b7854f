"""What only a program may do to its own process, and no library to somebody else's."""

from __future__ import annotations

import gc
import os
import resource
from contextlib import suppress

LAST_STANDARD_STREAM = 2

# A connection is some hundred objects that die together; collecting after every 700 of them, as
# Python does by default, only looks at live ones. But what comes to lie in older generations must
# be collected too, or memory grows by some 20 bytes for each connection.
_GC_THRESHOLDS = (20_000, 10, 10)


def hold_standard_streams() -> None:
    """Open whichever of them is closed on /dev/null.

    Else a client's socket might become descriptor 1, and get the log.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STANDARD_STREAM:
        pass
    os.close(descriptor)


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one, and return what it is then."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS refuses to raise it where the hard limit is none; then it stays as it was.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def spare_the_collector() -> None:
    """Let the garbage collector neither look at what lives for ever nor come too often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
