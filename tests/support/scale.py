"""How often heavy tests repeat: in full where there is time for it, else a tenth."""

from __future__ import annotations

import os


def scaled(count: int) -> int:
    """Return the count, or a tenth of it unless TRIO_BALANCER_LONG is set."""
    return count if os.environ.get("TRIO_BALANCER_LONG") else max(1, count // 10)
