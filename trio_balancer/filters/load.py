"""Configured filters → what makes them: classes are imported, files opened."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from trio_balancer.config.model_filters import (
    BandwidthFilterConfig,
    CustomFilterConfig,
    DenyFilterConfig,
    LogFilterConfig,
    PcapFilterConfig,
    RecordFilterConfig,
    ReplaceFilterConfig,
)
from trio_balancer.filters.append_file import AppendFile
from trio_balancer.filters.bandwidth import BandwidthFilter, shared_pacers
from trio_balancer.filters.custom import custom_maker
from trio_balancer.filters.deny import DenyFilter
from trio_balancer.filters.listener import ListenerFilters
from trio_balancer.filters.log import LogFilter
from trio_balancer.filters.pcap import FILE_HEADER, PcapFilter
from trio_balancer.filters.record import RecordFilter
from trio_balancer.filters.replace import ReplaceFilter
from trio_balancer.network.errors import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.config.model import ListenerConfig
    from trio_balancer.config.model_filters import FilterConfig
    from trio_balancer.filters.chain import Maker
    from trio_balancer.filters.surroundings import Surroundings


class FilterConfigError(ValueError):
    """Filters that cannot be used; `problems` has the key path of each and what is wrong."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{where}: {message}" for where, message in problems))
        self.problems = tuple(problems)


def check_filters(listener: ListenerConfig) -> None:
    """Import classes, and see whether files could be opened, without opening them.

    Raises FilterConfigError with all that is wrong.
    """
    problems = []
    for config in listener.filters:
        try:
            _check(config, listener.filter_buffer)
        except ValueError as error:
            problems.append((config.where, str(error)))
    if problems:
        raise FilterConfigError(problems)


def _check(config: FilterConfig, buffer: int) -> None:
    if isinstance(config, CustomFilterConfig):
        custom_maker(config)
    elif isinstance(config, ReplaceFilterConfig) and config.needle.max_match > buffer:
        raise ValueError(f"a match may have more bytes than filter_buffer, {buffer}")
    elif isinstance(config, (PcapFilterConfig, RecordFilterConfig)):
        _check_file(Path(config.file))


def _check_file(path: Path) -> None:
    place = path if path.exists() else path.parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise ValueError(f"the file {str(path)!r} cannot be written")


def load_filters(listener: ListenerConfig, surroundings: Surroundings) -> ListenerFilters:
    """Make what makes the filters of a listener's connections; its files are open then.

    Raises FilterConfigError with all that is wrong; nothing stays open then.
    """
    check_filters(listener)
    makers, files = make_makers(listener.filters, surroundings)
    return ListenerFilters(makers, files, listener.filter_buffer, surroundings)


def make_makers(
    configs: Sequence[FilterConfig], surroundings: Surroundings
) -> tuple[list[Maker], list[AppendFile]]:
    """Make what makes the filters, in their order, and open the files that they write."""
    makers: list[Maker] = []
    files: list[AppendFile] = []
    for config in configs:
        try:
            makers.append(_maker(config, surroundings, files))
        except OSError as error:
            for file in files:
                file.close()
            raise FilterConfigError([(config.where, _cannot_open(error))]) from error
    return makers, files


def _cannot_open(error: OSError) -> str:
    return f"the file {error.filename!r} cannot be opened: {describe(error)}"


def _maker(config: FilterConfig, surroundings: Surroundings, files: list[AppendFile]) -> Maker:
    maker: Maker
    wall_clock = surroundings.wall_clock
    match config:
        case CustomFilterConfig():
            maker = custom_maker(config)
        case LogFilterConfig():
            maker = partial(LogFilter, config=config, log=surroundings.log)
        case ReplaceFilterConfig():
            maker = partial(ReplaceFilter, config=config)
        case DenyFilterConfig():
            maker = partial(DenyFilter, config=config)
        case BandwidthFilterConfig():
            maker = partial(BandwidthFilter, config=config, shared=shared_pacers(config))
        case PcapFilterConfig():
            files.append(_open(config, surroundings, FILE_HEADER))
            maker = partial(PcapFilter, file=files[-1], wall_clock=wall_clock)
        case RecordFilterConfig():
            files.append(_open(config, surroundings))
            maker = partial(RecordFilter, config=config, file=files[-1], wall_clock=wall_clock)
        case _:
            assert_never(config)
    return maker


def _open(
    config: PcapFilterConfig | RecordFilterConfig, surroundings: Surroundings, header: bytes = b""
) -> AppendFile:
    def on_trouble(reason: str) -> None:
        surroundings.warn(
            f"file {config.where}",
            "A filter's file cannot be written",
            filter=config.where,
            file=config.file,
            reason=reason,
        )

    return AppendFile(config.file, config.rotation, on_trouble, header)
