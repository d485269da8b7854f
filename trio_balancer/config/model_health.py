"""What a pool says of its backends' health, as frozen values."""

from __future__ import annotations

from enum import Enum

import attrs


class CheckType(Enum):
    """How a health check asks."""

    TCP = "tcp"
    HTTP = "http"
    EXPECT = "expect"
    NONE = "none"


class Initial(Enum):
    """The state of a backend before its first check."""

    UP = "up"
    DOWN = "down"


@attrs.frozen
class HealthConfig:
    """`[pools.NAME.health]`; `port` and `address` say where else to check.

    `status` holds inclusive ranges; `send` and `expect` are the bytes on the wire. `tls` and
    `send_proxy` say whether a check begins as the pool's connections do; None: yes, unless it goes
    elsewhere.
    """

    type: CheckType = CheckType.TCP
    interval: float = 2.0
    timeout: float = 1.0
    rise: int = 2
    fall: int = 3
    initial: Initial = Initial.UP
    port: int | None = None
    address: str | None = None
    path: str = "/"
    host: str | None = None
    status: tuple[tuple[int, int], ...] = ((200, 399),)
    send: bytes = b""
    expect: bytes = b""
    tls: bool | None = None
    send_proxy: bool | None = None


@attrs.frozen
class OutlierConfig:
    """`[pools.NAME.outlier]`: when a backend that fails its clients is set aside."""

    failures: int = 5
    ejection: float = 30.0
    max_ejection: float = 300.0
    max_ejected_percent: float = 50.0
