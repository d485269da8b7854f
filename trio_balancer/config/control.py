"""`[control]`: the socket that takes an operator's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import bind_address
from trio_balancer.config.model_control import OWNER_ONLY, ControlConfig, ControlLevel
from trio_balancer.config.values import choice, expected, file_mode
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader
    from trio_balancer.config.values import Parser
    from trio_balancer.wire.address import SocketAddress

_NOWHERE = UnixAddress("")


def read_control(document: TableReader, base: PurePath) -> ControlConfig:
    """Read `[control]`, which is there; a relative path starts at `base`."""
    section = document.table_at("control")
    return ControlConfig(
        socket=section.require("socket", socket_path(base), _NOWHERE),
        level=section.take("level", choice(ControlLevel), ControlLevel.ADMIN),
        mode=section.take("mode", file_mode, OWNER_ONLY),
    )


def socket_path(base: PurePath) -> Parser[SocketAddress]:
    """Make a parser of the path of a Unix socket; the "unix:" of other addresses may be there."""
    parse_bind = bind_address(base)

    def parse(value: object) -> SocketAddress:
        if not isinstance(value, str) or not value:
            raise expected("the path of a Unix socket", value)
        return parse_bind(f"unix:{value.removeprefix('unix:')}")

    return parse
