"""How much a backend, a listener or the whole balancer takes on."""

from __future__ import annotations

import math
import re
import resource
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config import ConfigError, fit_max_connections
from trio_balancer.config.problems import shown
from trio_balancer.control.errors import bad_value
from trio_balancer.control.find import find_backend, find_listener

if TYPE_CHECKING:
    from trio_balancer.balancer import Balancer
    from trio_balancer.control.status import Json

MOST_WEIGHT = 256
_PERCENT = re.compile(r"([0-9]{1,5})%\Z", re.ASCII)


def weigh_backend(balancer: Balancer, pool: str, name: str, weight: int | str) -> Json:
    """Give a backend a weight, absolute or as a percentage of the configured one."""
    found, backend = find_backend(balancer, pool, name)
    value = parse_weight(weight, backend.config.weight)
    found.set_weight(backend, value, trio.current_time())
    balancer.log.info("Weight set by the operator", pool=pool, backend=name, weight=value)
    return {"pool": pool, "backend": name, "weight": value}


def parse_weight(weight: int | str, configured: int) -> int:
    """Parse 0 to 256, or "50%"; raises OperationError (bad-value).

    A share above zero never rounds to 0, which would mean no connections at all.
    """
    if isinstance(weight, str):
        match = _PERCENT.match(weight)
        if match is None:
            raise bad_value(f'expected a weight or a percentage like "50%", got {shown(weight)}')
        share = int(match[1])
        weight = max(round(configured * share / 100), min(share, configured, 1))
    if isinstance(weight, bool) or not 0 <= weight <= MOST_WEIGHT:
        raise bad_value(f"a weight is a whole number from 0 to {MOST_WEIGHT}")
    return weight


def limit_connections(
    balancer: Balancer,
    value: int | None,
    *,
    listener: str | None,
    pool: str | None,
    backend: str | None,
) -> Json:
    """Limit what is named, the whole process where nothing is; None: no limit."""
    if listener is not None and (pool is not None or backend is not None):
        raise bad_value("name a listener or a backend, not both")
    if listener is not None:
        return limit_listener(balancer, listener, value)
    if pool is not None and backend is not None:
        return limit_backend(balancer, pool, backend, value)
    if pool is not None or backend is not None:
        raise bad_value("a backend is named by its pool and its own name")
    return limit_balancer(balancer, value)


def limit_backend(balancer: Balancer, pool: str, name: str, value: int | None) -> Json:
    """Limit the connections of a backend; who waits for a slot may get it at once."""
    found, backend = find_backend(balancer, pool, name)
    _check(value)
    found.set_max_connections(backend, value, trio.current_time())
    return _told(balancer, value, pool=pool, backend=name)


def limit_listener(balancer: Balancer, name: str, value: int | None) -> Json:
    """Limit the connections of a listener."""
    listener = find_listener(balancer, name).listener
    _check(value)
    listener.limiter.total_tokens = math.inf if value is None else value
    return _told(balancer, value, listener=name)


def limit_balancer(balancer: Balancer, value: int | None) -> Json:
    """Limit the connections of the whole process, which its open files must allow."""
    _check(value)
    whole = attrs.evolve(balancer.config.balancer, max_connections=value)
    config = attrs.evolve(balancer.config, balancer=whole)
    try:
        limit = fit_max_connections(config, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    except ConfigError as error:
        raise bad_value(str(error)) from None
    balancer.runtime.limiter.total_tokens = limit
    return _told(balancer, limit)


def _check(value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or value < 1):
        raise bad_value("a limit of connections is a whole number of at least 1")


def _told(balancer: Balancer, value: int | None, **where: str) -> Json:
    balancer.log.info("Limit set by the operator", **where, max_connections=value)
    return {**where, "max_connections": value}
