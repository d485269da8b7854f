"""Load what a configuration only names: certificates, keys, the classes and files of filters.

All of it before anything is bound or changed, so that what is wrong with it is found in time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import ConfigError, Problem, dotted
from trio_balancer.filters import FilterConfigError, ListenerFilters, check_filters, load_filters
from trio_balancer.flow.leg import Leg, make_leg
from trio_balancer.network.tls_errors import TlsConfigError
from trio_balancer.network.tls_files import digest_files
from trio_balancer.network.tls_server import ServerTls

if TYPE_CHECKING:
    from trio_balancer.config.model import Config
    from trio_balancer.config.model_tls import ListenerTls, PoolTls
    from trio_balancer.config.problems import KeyPath
    from trio_balancer.filters import Surroundings


@attrs.frozen
class Prepared:
    """What was loaded: certificates by listener, and how backends' connections begin, by pool.

    `files` are the digests of what was in the files; see `tls_files.py`.
    """

    tls: Mapping[str, ServerTls]
    legs: Mapping[str, Leg]
    files: Mapping[str, bytes]


def prepare(config: Config) -> Prepared:
    """Load certificates and check filters, opening no file for writing.

    Raises ConfigError with every problem.
    """
    # Before they are loaded: what changes in between is told by the next reload, and not never.
    files = digest_files(_tls_of(config))
    problems: list[Problem] = []
    tls: dict[str, ServerTls] = {}
    legs: dict[str, Leg] = {}
    for listener in config.listeners.values():
        with _noting(problems, ("listeners", listener.name, "tls")):
            if listener.tls is not None:
                tls[listener.name] = ServerTls(listener.tls)
        with _noting(problems):
            check_filters(listener)
    for pool in config.pools.values():
        with _noting(problems, ("pools", pool.name, "tls")):
            leg = make_leg(pool)
            if leg is not None:
                legs[pool.name] = leg
    if problems:
        raise ConfigError(problems)
    return Prepared(tls, legs, files)


def _tls_of(config: Config) -> Iterator[ListenerTls | PoolTls]:
    yield from (each.tls for each in config.listeners.values() if each.tls is not None)
    yield from (each.tls for each in config.pools.values() if each.tls is not None)


def open_all_filters(config: Config, surroundings: Surroundings) -> dict[str, ListenerFilters]:
    """Make the filters of every listener that has some; their files are open then.

    Raises ConfigError, and leaves no file open then.
    """
    problems: list[Problem] = []
    opened: dict[str, ListenerFilters] = {}
    for listener in config.listeners.values():
        with _noting(problems):
            if listener.filters:
                opened[listener.name] = load_filters(listener, surroundings)
    if problems:
        close_all_filters(opened)
        raise ConfigError(problems)
    return opened


def close_all_filters(opened: Mapping[str, ListenerFilters]) -> None:
    """Close the files of filters, each as soon as its last connection is over."""
    for filters in opened.values():
        filters.close()


@contextmanager
def _noting(problems: list[Problem], where: KeyPath = ()) -> Iterator[None]:
    try:
        yield
    except TlsConfigError as error:
        for key, text in error.problems.items():
            problems.append(Problem("", None, dotted((*where, *key)), text))
    except FilterConfigError as error:
        problems.extend(Problem("", None, key, text) for key, text in error.problems)
