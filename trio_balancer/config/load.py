"""TOML text → `Config`, or every problem at once."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import tomli

from trio_balancer.config.admin import read_admin, read_admin_bind
from trio_balancer.config.control import read_control
from trio_balancer.config.faults import report_unwanted_faults
from trio_balancer.config.listeners import read_bind, read_listener
from trio_balancer.config.locate import find_lines
from trio_balancer.config.model import Config, ListenerConfig
from trio_balancer.config.overlaps import Bound, report_overlaps
from trio_balancer.config.overrides import apply_override
from trio_balancer.config.pools import read_pool
from trio_balancer.config.problems import ConfigError, KeyPath, Problem, Report, shown
from trio_balancer.config.reader import TableReader
from trio_balancer.config.sections import read_balancer, read_log
from trio_balancer.config.values import closest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from trio_balancer.config.model_admin import AdminConfig

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)\Z")


def load_config(path: str | PathLike[str], *, overrides: Sequence[str] = ()) -> Config:
    """Read and parse the file at `path`; relative paths in it start at its own folder.

    Raises ConfigError, also where the file cannot be read or is no UTF-8 text.
    """
    file = Path(path)
    try:
        # Editors on Windows begin a file with a byte order mark, which TOML does not know.
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(file, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise _unreadable(
            file, f"is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from None
    return parse_config(text, source=str(file), base=file.parent, overrides=overrides)


def _unreadable(file: Path, message: str) -> ConfigError:
    return ConfigError([Problem(str(file), None, "", message)])


def parse_config(
    text: str,
    *,
    source: str = "<config>",
    base: PurePath | str = ".",
    overrides: Sequence[str] = (),
) -> Config:
    """Parse a configuration; `overrides` are `KEY=VALUE` texts, later ones over earlier ones.

    `source` names the text in problems; relative paths in it start at `base`.
    Raises ConfigError with every problem, or with one alone where the text is no TOML.
    """
    document = _parse_toml(text, source)
    report = Report(source, {**find_lines(text)})
    for override in overrides:
        apply_override(document, override, report)
    config = _read(TableReader(document, (), report), PurePath(base))
    report.raise_problems()
    return config


def _parse_toml(text: str, source: str) -> dict[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        place = _AT_LINE.search(str(error))
        line = int(place[1]) if place else None
        message = f"this is no TOML: {error}"
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, a date that no calendar has, brackets without end.
        line, message = None, f"this TOML cannot be read: {error}"
    raise ConfigError([Problem(source, line, "", message)])


def _read(document: TableReader, base: PurePath) -> Config:
    bound: list[Bound] = []
    config = Config(
        balancer=read_balancer(document.table_at("balancer")),
        log=read_log(document.table_at("log"), base),
        listeners=_read_listeners(document, base, bound),
        pools={
            name: read_pool(name, section, base)
            for name, section in _some(document, "pools").items()
        },
        admin=_read_admin(document, base, bound) if "admin" in document else None,
        control=read_control(document, base) if "control" in document else None,
    )
    report_overlaps(bound, document.report)
    report_unwanted_faults(config, document.report)
    if config.pools:
        _report_unknown_pools(config.listeners.values(), config.pools, document.report)
    document.report_unknown_keys()
    return config


def _some(document: TableReader, key: str) -> Mapping[str, TableReader]:
    """Read the tables of `[key.NAME]`, of which there must be one at least."""
    tables = document.named_tables(key)
    if not tables:
        document.problem(key, f"at least one [{key}.NAME] is needed")
    return tables


def _read_listeners(
    document: TableReader, base: PurePath, bound: list[Bound]
) -> dict[str, ListenerConfig]:
    listeners = {}
    for name, section in _some(document, "listeners").items():
        bind = read_bind(section, base)
        listener = read_listener(name, section, bind.values(), base)
        bound += (Bound(path, address, listener.v6only) for path, address in bind.items())
        listeners[name] = listener
    return listeners


def _read_admin(document: TableReader, base: PurePath, bound: list[Bound]) -> AdminConfig:
    section = document.table_at("admin")
    bind = read_admin_bind(section)
    bound += (Bound(path, address, v6only=True) for path, address in bind.items())
    return read_admin(section, bind, base)


def _report_unknown_pools(
    listeners: Iterable[ListenerConfig], pools: Iterable[str], report: Report
) -> None:
    for listener in listeners:
        wanted: list[tuple[KeyPath, str | None]] = [(("pool",), listener.pool)]
        wanted += [(("routes", index, "pool"), r.pool) for index, r in enumerate(listener.routes)]
        for path, pool in wanted:
            # An empty name stands for one that was missing or wrong, and is reported as such.
            if pool and pool not in pools:
                message = f"there is no pool {shown(pool)}"
                report.add(("listeners", listener.name, *path), message, closest(pool, pools))
