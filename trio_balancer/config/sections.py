"""`[balancer]` and `[log]`: the sections that are there once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import log_file
from trio_balancer.config.model import (
    BalancerConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    Overflow,
    RelayKind,
)
from trio_balancer.config.sizes import size
from trio_balancer.config.values import boolean, choice, duration, text, whole

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader

_BALANCER = BalancerConfig()
_LOG = LogConfig()
_LARGEST_BACKLOG = 65535


def read_balancer(section: TableReader) -> BalancerConfig:
    """Read `[balancer]`."""
    take = section.take
    if "group" in section and "user" not in section:
        section.problem("group", "is only for a user")
    return BalancerConfig(
        max_connections=take("max_connections", whole(1), None),
        overflow=take("overflow", choice(Overflow), _BALANCER.overflow),
        backlog=take("backlog", whole(1, _LARGEST_BACKLOG), _BALANCER.backlog),
        drain_timeout=take("drain_timeout", duration(zero=True, off=True), _BALANCER.drain_timeout),
        pre_stop_delay=take("pre_stop_delay", duration(zero=True), _BALANCER.pre_stop_delay),
        relay=take("relay", choice(RelayKind), _BALANCER.relay),
        splice=take("splice", boolean, _BALANCER.splice),
        user=take("user", text, None),
        group=take("group", text, None),
        faults=take("faults", boolean, _BALANCER.faults),
        fault_buffer=take("fault_buffer", size(1), _BALANCER.fault_buffer),
    )


def read_log(section: TableReader, base: PurePath) -> LogConfig:
    """Read `[log]`."""
    take = section.take
    return LogConfig(
        format=take("format", choice(LogFormat), _LOG.format),
        level=take("level", choice(LogLevel), _LOG.level),
        file=take("file", log_file(base), _LOG.file),
        connections=take("connections", boolean, _LOG.connections),
    )
