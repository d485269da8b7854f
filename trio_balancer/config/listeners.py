"""`[listeners.NAME]`: where clients are accepted, and which pool serves them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from trio_balancer.config.access import read_access
from trio_balancer.config.addresses import listen_address
from trio_balancer.config.faults import read_faults
from trio_balancer.config.filters import read_filters
from trio_balancer.config.model import ListenerConfig, Overflow
from trio_balancer.config.proxy_protocol import read_proxy_protocol
from trio_balancer.config.routes import read_routes
from trio_balancer.config.sizes import size
from trio_balancer.config.tls import read_listener_tls
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
from trio_balancer.wire.address import ListenAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import PurePath

    from trio_balancer.config.problems import KeyPath
    from trio_balancer.config.reader import TableReader

T = TypeVar("T")

_DEFAULT = ListenerConfig(name="", bind=(), pool=None)
# TCP_KEEPIDLE takes whole seconds up to this many; TCP_USER_TIMEOUT an int of milliseconds.
_LONGEST_KEEPALIVE = 32767
_LONGEST_USER_TIMEOUT = 2_000_000


def read_bind(section: TableReader, base: PurePath) -> dict[KeyPath, ListenAddress]:
    """Read `bind`: each valid address, at the path where it is written."""
    items = section.items("bind")
    if not items:
        section.problem("bind", "at least one address is needed")
    parse = listen_address(base)
    parsed = {path: section.parse(path, item, parse, None) for path, item in items}
    return {path: address for path, address in parsed.items() if address is not None}


def read_listener(
    name: str, section: TableReader, bind: Iterable[ListenAddress], base: PurePath
) -> ListenerConfig:
    """Read the rest of one `[listeners.NAME]`."""
    take = section.take
    may_be_off = duration(off=True)
    default = _DEFAULT
    listener = ListenerConfig(
        name=name,
        bind=tuple(bind),
        pool=_read_pool(section),
        mode=take("mode", file_mode, None),
        max_connections=take("max_connections", whole(1), None),
        overflow=take("overflow", choice(Overflow), None),
        handshake_timeout=take("handshake_timeout", may_be_off, default.handshake_timeout),
        idle_timeout=take("idle_timeout", may_be_off, default.idle_timeout),
        half_close_timeout=take("half_close_timeout", may_be_off, default.half_close_timeout),
        lifetime=take("lifetime", may_be_off, default.lifetime),
        lifetime_jitter=take("lifetime_jitter", number(0, 1), default.lifetime_jitter),
        v6only=take("v6only", boolean, default.v6only),
        user_timeout=take(
            "user_timeout", seconds_within(0.001, _LONGEST_USER_TIMEOUT), default.user_timeout
        ),
        keepalive=take("keepalive", seconds_within(1, _LONGEST_KEEPALIVE), default.keepalive),
        close_when_down=take("close_when_down", boolean, default.close_when_down),
        access=_optional(section, "access", partial(read_access, base=base)),
        proxy_protocol=_optional(section, "proxy_protocol", read_proxy_protocol),
        tls=_optional(section, "tls", partial(read_listener_tls, base=base)),
        routes=read_routes(section),
        filters=read_filters(section, base),
        filter_buffer=take("filter_buffer", size(1), default.filter_buffer),
        faults=read_faults(section),
    )
    _report_useless_mode(section, listener)
    return listener


def _read_pool(section: TableReader) -> str | None:
    """Read `pool`: the default where there are routes, else what there must be."""
    if "routes" in section:
        return section.take("pool", text, None)
    # An empty name stands for one that was missing or wrong, and is reported as such.
    return section.require("pool", text, "")


def _optional(section: TableReader, key: str, read: Callable[[TableReader], T]) -> T | None:
    """Read the table `key`, if it is there: its presence alone may switch something on."""
    return read(section.table_at(key)) if key in section else None


def _report_useless_mode(section: TableReader, listener: ListenerConfig) -> None:
    has_unix = any(isinstance(address, UnixAddress) for address in listener.bind)
    if listener.mode is not None and listener.bind and not has_unix:
        section.problem("mode", "is for Unix sockets, and this listener binds none")
