"""Finds out at the start whether the user that we have become could reload.

What root has opened stays open, so that nobody would notice before the first reload.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.config.problems import ConfigError
from trio_balancer.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trio_balancer.config.model import Config, LogConfig


def rehearse_reload(load: Callable[[], Config]) -> Iterator[str]:
    """Iterate over what a reload could not read or write now, as sentences."""
    try:
        config = load()
        prepare(config)
    except ConfigError as error:
        yield from str(error).splitlines()
    else:
        yield from _log_file(config.log)


def _log_file(log: LogConfig) -> Iterator[str]:
    is_file = log.file != "-" and not log.file.startswith("syslog:")
    # What cannot be written may still be made anew: a rotated file is.
    place = log.file if Path(log.file).exists() else str(Path(log.file).parent)
    if is_file and not os.access(place, os.W_OK):
        yield f"{log.file} cannot be written, so that it stays as it is when it is rotated"
