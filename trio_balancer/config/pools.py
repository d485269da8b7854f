"""`[pools.NAME]`: the backends, and how one is chosen among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.backends import read_backends
from trio_balancer.config.health import read_health, read_outlier
from trio_balancer.config.model import Policy, PoolConfig, WhenDown
from trio_balancer.config.values import attempts, boolean, choice, duration, whole
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader

_DEFAULT = PoolConfig(name="", backends=())


def read_pool(name: str, section: TableReader, base: PurePath) -> PoolConfig:
    """Read one `[pools.NAME]`."""
    take = section.take
    may_be_off = duration(off=True)
    default = _DEFAULT
    pool = PoolConfig(
        name=name,
        backends=read_backends(section, base),
        policy=take("policy", choice(Policy), default.policy),
        connect_timeout=take("connect_timeout", duration(), default.connect_timeout),
        connect_attempts=take("connect_attempts", attempts, default.connect_attempts),
        when_down=take("when_down", choice(WhenDown), default.when_down),
        hold_timeout=take("hold_timeout", may_be_off, default.hold_timeout),
        queue_timeout=take("queue_timeout", may_be_off, default.queue_timeout),
        queue_limit=take("queue_limit", whole(0), default.queue_limit),
        slow_start=take("slow_start", duration(zero=True), default.slow_start),
        drop_when_down=take("drop_when_down", boolean, default.drop_when_down),
        resolve_interval=take("resolve_interval", may_be_off, default.resolve_interval),
        health=read_health(section.table_at("health")),
        outlier=read_outlier(section.table_at("outlier")) if "outlier" in section else None,
    )
    _report_useless_hold(section)
    _report_half_an_address(section, pool)
    return pool


def _report_useless_hold(section: TableReader) -> None:
    # Compared with what is written: a misspelt "hold" is one problem, not two.
    says_otherwise = section.table.get("when_down", "fail") in ("fail", "panic")
    if "hold_timeout" in section and says_otherwise:
        section.problem("hold_timeout", 'is only for when_down = "hold"')


def _report_half_an_address(section: TableReader, pool: PoolConfig) -> None:
    # A lone port or address replaces one half of the backend's own, and a path has no halves.
    has_path = any(isinstance(backend.address, UnixAddress) for backend in pool.backends)
    if has_path and (pool.health.port is None) != (pool.health.address is None):
        message = "to check a Unix socket's backend elsewhere, give both port and address"
        section.problem("health", message)
