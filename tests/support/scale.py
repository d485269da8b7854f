"""How much heavy tests do: all of it where there is time (`.ci/long`), else a tenth."""

from __future__ import annotations

import os

#: Whether there is time for all of it.
LONG = bool(os.environ.get("TRIO_BALANCER_LONG"))


def scaled(count: int) -> int:
    """Return the count, or a tenth of it unless TRIO_BALANCER_LONG is set."""
    return count if LONG else max(1, count // 10)
