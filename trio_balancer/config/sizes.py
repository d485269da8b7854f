"""Sizes as a configuration writes them: "64KiB", "10MB", "512B"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trio_balancer.config.values import expected

if TYPE_CHECKING:
    from trio_balancer.config.values import Parser

_UNITS = {
    "B": 1,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_SIZE = re.compile(r"([0-9]{1,12})(B|KB|MB|GB|KiB|MiB|GiB)\Z")


def size(low: int = 0) -> Parser[int]:
    """Make a parser of sizes of at least `low` bytes, in bytes.

    KB, MB and GB are powers of 1000, KiB, MiB and GiB of 1024.
    """
    at_least = f" of at least {low} bytes" if low > 1 else ""

    def parse(value: object) -> int:
        match = _SIZE.match(value) if isinstance(value, str) else None
        if match is None:
            raise expected(f'a size{at_least} like "64KiB" or "10MB"', value)
        size = int(match[1]) * _UNITS[match[2]]
        if size < low:
            raise expected(f'a size{at_least} like "64KiB" or "10MB"', value)
        return size

    return parse
