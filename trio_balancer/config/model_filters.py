"""What a valid `[[listeners.NAME.filters]]` says, as frozen values.

`where` is the key path of the table, for what can only be found wrong later: a class that cannot
be imported, a file that cannot be opened. Sizes are bytes, durations seconds, rates bytes a
second; `math.inf` stands for "off".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from enum import Enum

import attrs

KIB = 1024
MB = 1000**2


class Direction(Enum):
    """Whose bytes a filter looks at."""

    BOTH = "both"
    FROM_CLIENT = "from-client"
    FROM_BACKEND = "from-backend"

    @property
    def from_client(self) -> bool:
        """Whether the client's bytes are meant."""
        return self is not Direction.FROM_BACKEND

    @property
    def from_backend(self) -> bool:
        """Whether the backend's bytes are meant."""
        return self is not Direction.FROM_CLIENT


class DumpFormat(Enum):
    """How the filter `log` writes bytes."""

    TEXT = "text"
    HEX = "hex"


@attrs.frozen
class Needle:
    """What to look for: bytes as they are, or a regular expression.

    A match of the expression may be at most `max_match` bytes long to be found for certain.
    """

    pattern: bytes | re.Pattern[bytes]
    max_match: int = 4 * KIB


@attrs.frozen
class Rotation:
    """`files` files of at most about `max_size` bytes each; the oldest gives way."""

    max_size: float = 100.0 * MB
    files: int = 5


@attrs.frozen
class LogFilterConfig:
    """`use = "log"`: `max_bytes` of each direction of a connection, into the balancer's log."""

    where: str
    direction: Direction = Direction.BOTH
    format: DumpFormat = DumpFormat.TEXT
    max_bytes: float = 4.0 * KIB


@attrs.frozen
class PcapFilterConfig:
    """`use = "pcap"`: connections as packets, for Wireshark."""

    where: str
    file: str
    rotation: Rotation = Rotation()


@attrs.frozen
class RecordFilterConfig:
    """`use = "record"`: what was said when, one JSON object a line; `data` adds the bytes."""

    where: str
    file: str
    data: bool = False
    rotation: Rotation = Rotation()


@attrs.frozen
class ReplaceFilterConfig:
    """`use = "replace"`: `replacement` is a template of `re.sub` where a regex is looked for.

    After `max_hold` without a byte, what might begin a match is let go.
    """

    where: str
    needle: Needle
    replacement: bytes
    direction: Direction = Direction.BOTH
    max_hold: float = 0.1


@attrs.frozen
class DenyFilterConfig:
    """`use = "deny"`: a match ends the connection."""

    where: str
    needle: Needle
    direction: Direction = Direction.BOTH


@attrs.frozen
class BandwidthFilterConfig:
    """`use = "bandwidth"`: `up` is from the client, `down` toward it; a burst of None is 50 ms."""

    where: str
    up: float = math.inf
    down: float = math.inf
    burst: int | None = None
    listener_up: float = math.inf
    listener_down: float = math.inf
    listener_burst: int | None = None


@attrs.frozen
class CustomFilterConfig:
    """`use = "package.module:Class"`: somebody's own; `options` are passed as keywords."""

    where: str
    module: str
    name: str
    options: Mapping[str, object] = attrs.field(factory=dict)


FilterConfig = (
    LogFilterConfig
    | PcapFilterConfig
    | RecordFilterConfig
    | ReplaceFilterConfig
    | DenyFilterConfig
    | BandwidthFilterConfig
    | CustomFilterConfig
)
