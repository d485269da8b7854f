"""`[listeners.NAME.access]`: who may connect, when, and how often."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from trio_balancer.config.access_hours import read_hours
from trio_balancer.config.access_lists import read_list
from trio_balancer.config.model_access import AccessConfig, NetworkList, RateLimit
from trio_balancer.config.rates import rate
from trio_balancer.config.values import boolean, duration, whole

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader

_DEFAULT = AccessConfig()
_IPV6_BITS = 128


def read_access(section: TableReader, base: PurePath) -> AccessConfig:
    """Read the table, and the files that it names, whose relative paths start at `base`."""
    take = section.take
    access = AccessConfig(
        allow=read_list(section, "allow", base),
        deny=read_list(section, "deny", base) or NetworkList(),
        hours=read_hours(section),
        close_outside_hours=take("close_outside_hours", boolean, _DEFAULT.close_outside_hours),
        max_per_client=take("max_per_client", whole(1), None),
        rate_per_client=_read_rate(section, "rate_per_client"),
        rate=_read_rate(section, "rate"),
        ipv6_prefix=take("ipv6_prefix", whole(1, _IPV6_BITS), _DEFAULT.ipv6_prefix),
        max_clients=take("max_clients", whole(1), _DEFAULT.max_clients),
        tarpit=_read_tarpit(section),
    )
    if access.close_outside_hours and "hours" not in section:
        section.problem("close_outside_hours", "is of no use without hours")
    return access


def _read_rate(section: TableReader, key: str) -> RateLimit | None:
    """Read a rate and its burst, which is one second's worth by default."""
    burst_key = f"{key}_burst"
    burst = section.take(burst_key, whole(1), None)
    if key not in section:
        if burst_key in section:
            section.problem(burst_key, f"is of no use without {key}")
        return None
    parsed = section.take(key, rate, None)
    if parsed is None:
        return None
    events, seconds = parsed
    return RateLimit(events, seconds, burst or math.ceil(events / seconds))


def _read_tarpit(section: TableReader) -> float:
    seconds = section.take("tarpit", duration(off=True), math.inf)
    return _DEFAULT.tarpit if seconds == math.inf else seconds
