"""Rates as a configuration writes them: "100/s", "20/m", "1000/h"."""

from __future__ import annotations

import re

from trio_balancer.config.values import expected

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_RATE = re.compile(r"([0-9]{1,9})/([smh])\Z")


def rate(value: object) -> tuple[int, float]:
    """Parse a rate above zero: so many events in so many seconds.

    Both are kept as they are written, because 20 a minute is no exact number a second.
    """
    match = _RATE.match(value) if isinstance(value, str) else None
    if match is None or int(match[1]) == 0:
        raise expected('a rate above zero like "100/s", "20/m" or "1000/h"', value)
    return int(match[1]), _SECONDS[match[2]]
