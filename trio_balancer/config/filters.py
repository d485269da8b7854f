"""`[[listeners.NAME.filters]]`: what looks at the bytes of a connection, or changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.filter_values import (
    byte_rate,
    check_template,
    data_file,
    literal,
    regex,
    replacement,
    size_or_off,
    split_class,
)
from trio_balancer.config.model_filters import (
    BandwidthFilterConfig,
    CustomFilterConfig,
    DenyFilterConfig,
    Direction,
    DumpFormat,
    FilterConfig,
    LogFilterConfig,
    Needle,
    PcapFilterConfig,
    RecordFilterConfig,
    ReplaceFilterConfig,
    Rotation,
)
from trio_balancer.config.problems import dotted
from trio_balancer.config.sizes import size
from trio_balancer.config.values import (
    MisspeltError,
    boolean,
    choice,
    closest,
    duration,
    expected,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader

    Read = Callable[[TableReader, PurePath], FilterConfig | None]

_MOST_FILES = 100
_LOG = LogFilterConfig("")
_NEEDLE = Needle(b"")
_REPLACE = ReplaceFilterConfig("", _NEEDLE, b"")
_ROTATION = Rotation()


def read_filters(listener: TableReader, base: PurePath) -> tuple[FilterConfig, ...]:
    """Read a listener's filters in their order; those that are wrong are left out."""
    tables = [listener.within(path, item) for path, item in listener.items("filters")]
    read = [_read_filter(table, base) for table in tables]
    return tuple(config for config in read if config is not None)


def _read_filter(table: TableReader, base: PurePath) -> FilterConfig | None:
    use = table.require("use", _used, None)
    if use is None:
        _accept_all(table)  # what its other keys mean, nobody knows
        return None
    if isinstance(use, tuple):
        return CustomFilterConfig(dotted(table.path), *use, options=_accept_all(table))
    return _READERS[use](table, base)


def _used(value: object) -> str | tuple[str, str]:
    """Parse `use`: the name of a built-in filter, or the module and the name of a class."""
    if not isinstance(value, str):
        raise expected("the name of a filter", value)
    own = split_class(value)
    if own is None and value not in _READERS:
        known = ", ".join(map(repr, _READERS))
        message = str(expected(f"one of {known}, or 'package.module:Class'", value))
        raise MisspeltError(message, closest(value, _READERS))
    return own or value


def _accept_all(table: TableReader) -> dict[str, object]:
    """Return the table's other keys, all of which are known thereby."""
    return {key: table.table[key] for key in table.table if key in table and key != "use"}


def _read_log(table: TableReader, _base: PurePath) -> LogFilterConfig:
    return LogFilterConfig(
        dotted(table.path),
        direction=_direction(table),
        format=table.take("format", choice(DumpFormat), _LOG.format),
        max_bytes=table.take("max_bytes", size_or_off, _LOG.max_bytes),
    )


def _read_pcap(table: TableReader, base: PurePath) -> PcapFilterConfig | None:
    file, rotation = _file(table, base), _rotation(table)
    return None if file is None else PcapFilterConfig(dotted(table.path), file, rotation)


def _read_record(table: TableReader, base: PurePath) -> RecordFilterConfig | None:
    file, rotation = _file(table, base), _rotation(table)
    data = table.take("data", boolean, False)  # noqa: FBT003 - the default of a key
    return None if file is None else RecordFilterConfig(dotted(table.path), file, data, rotation)


def _read_replace(table: TableReader, _base: PurePath) -> ReplaceFilterConfig | None:
    needle = _needle(table)
    instead = table.require("with", replacement, None)
    direction = _direction(table)
    max_hold = table.take("max_hold", duration(off=True), _REPLACE.max_hold)
    if needle is None or instead is None:
        return None
    if not isinstance(needle.pattern, bytes):
        try:
            check_template(needle.pattern, instead)
        except ValueError as error:
            table.problem("with", str(error))
    return ReplaceFilterConfig(dotted(table.path), needle, instead, direction, max_hold)


def _read_deny(table: TableReader, _base: PurePath) -> DenyFilterConfig | None:
    needle, direction = _needle(table), _direction(table)
    return None if needle is None else DenyFilterConfig(dotted(table.path), needle, direction)


def _read_bandwidth(table: TableReader, _base: PurePath) -> BandwidthFilterConfig:
    off = BandwidthFilterConfig("")
    config = BandwidthFilterConfig(
        dotted(table.path),
        up=table.take("up", byte_rate, off.up),
        down=table.take("down", byte_rate, off.down),
        burst=table.take("burst", size(1), off.burst),
        listener_up=table.take("listener_up", byte_rate, off.listener_up),
        listener_down=table.take("listener_down", byte_rate, off.listener_down),
        listener_burst=table.take("listener_burst", size(1), off.listener_burst),
    )
    if not any(key in table for key in ("up", "down", "listener_up", "listener_down")):
        table.problem("up", "is required, or down, listener_up or listener_down")
    _report_useless_burst(table, "")
    _report_useless_burst(table, "listener_")
    return config


def _report_useless_burst(table: TableReader, prefix: str) -> None:
    up, down = f"{prefix}up", f"{prefix}down"
    if f"{prefix}burst" in table and not (up in table or down in table):
        table.problem(f"{prefix}burst", f"is for {up} and {down}, and there is neither")


def _needle(table: TableReader) -> Needle | None:
    """Read `pattern` or `regex`, of which there must be one."""
    pattern = table.take("pattern", literal, None)
    expression = table.take("regex", regex, None)
    longest = table.take("max_match", size(1), _NEEDLE.max_match)
    if ("pattern" in table) == ("regex" in table):
        table.problem("pattern", "is required, or else regex, and not both")
    if "max_match" in table and "regex" not in table:
        table.problem("max_match", "is only for a regex")
    if expression is not None:
        return Needle(expression, longest)
    return None if pattern is None else Needle(pattern, len(pattern))


def _direction(table: TableReader) -> Direction:
    return table.take("direction", choice(Direction), Direction.BOTH)


def _file(table: TableReader, base: PurePath) -> str | None:
    return table.require("file", data_file(base), None)


def _rotation(table: TableReader) -> Rotation:
    return Rotation(
        max_size=table.take("max_size", size_or_off, _ROTATION.max_size),
        files=table.take("files", whole(1, _MOST_FILES), _ROTATION.files),
    )


_READERS: dict[str, Read] = {
    "log": _read_log,
    "pcap": _read_pcap,
    "record": _read_record,
    "replace": _read_replace,
    "deny": _read_deny,
    "bandwidth": _read_bandwidth,
}
