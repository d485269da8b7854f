"""`[listeners.NAME]`: where clients are accepted, and which pool serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import bind_address
from trio_balancer.config.model import ListenerConfig, Overflow
from trio_balancer.config.values import (
    boolean,
    choice,
    duration,
    file_mode,
    number,
    seconds_within,
    text,
    whole,
)
from trio_balancer.wire.address import SocketAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

    from trio_balancer.config.problems import KeyPath
    from trio_balancer.config.reader import TableReader

_DEFAULT = ListenerConfig(name="", bind=(), pool="")
# TCP_KEEPIDLE takes whole seconds up to this many; TCP_USER_TIMEOUT an int of milliseconds.
_LONGEST_KEEPALIVE = 32767
_LONGEST_USER_TIMEOUT = 2_000_000


def read_bind(section: TableReader, base: PurePath) -> dict[KeyPath, SocketAddress]:
    """Read `bind`: each valid address, at the path where it is written."""
    items = section.items("bind")
    if not items:
        section.problem("bind", "at least one address is needed")
    parse = bind_address(base)
    parsed = {path: section.parse(path, item, parse, None) for path, item in items}
    return {path: address for path, address in parsed.items() if address is not None}


def read_listener(name: str, section: TableReader, bind: Iterable[SocketAddress]) -> ListenerConfig:
    """Read the rest of one `[listeners.NAME]`."""
    take = section.take
    may_be_off = duration(off=True)
    default = _DEFAULT
    listener = ListenerConfig(
        name=name,
        bind=tuple(bind),
        pool=section.require("pool", text, ""),
        mode=take("mode", file_mode, None),
        max_connections=take("max_connections", whole(1), None),
        overflow=take("overflow", choice(Overflow), None),
        idle_timeout=take("idle_timeout", may_be_off, default.idle_timeout),
        half_close_timeout=take("half_close_timeout", may_be_off, default.half_close_timeout),
        lifetime=take("lifetime", may_be_off, default.lifetime),
        lifetime_jitter=take("lifetime_jitter", number(0, 1), default.lifetime_jitter),
        v6only=take("v6only", boolean, default.v6only),
        user_timeout=take(
            "user_timeout", seconds_within(0.001, _LONGEST_USER_TIMEOUT), default.user_timeout
        ),
        keepalive=take("keepalive", seconds_within(1, _LONGEST_KEEPALIVE), default.keepalive),
    )
    _report_useless_mode(section, listener)
    return listener


def _report_useless_mode(section: TableReader, listener: ListenerConfig) -> None:
    has_unix = any(isinstance(address, UnixAddress) for address in listener.bind)
    if listener.mode is not None and listener.bind and not has_unix:
        section.problem("mode", "is for Unix sockets, and this listener binds none")
