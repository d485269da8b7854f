"""How many connections fit into the open files that the process may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.problems import ConfigError, Problem

if TYPE_CHECKING:
    from trio_balancer.config.model import Config

# Each connection is two sockets: one to the client, one to the backend.
_FILES_PER_CONNECTION = 2
_DEFAULT_AT_MOST = 20_000
# The standard streams, the log, epoll, name look-ups, the runtime socket and its clients.
_OWN_FILES = 64
# The relay's 64 pipes for bulk transfers, with two ends each.
_PIPE_ENDS = 128


def fit_max_connections(config: Config, open_files: int) -> int:
    """Return the limit of connections for the whole process.

    `open_files` is the soft limit of open files, RLIMIT_NOFILE; give a large number where there
    is none. Raises ConfigError where the configured limit does not fit, or not even one does.
    """
    fitting = max(0, (open_files - _reserve(config)) // _FILES_PER_CONNECTION)
    wanted = config.balancer.max_connections
    if fitting < 1 or (wanted is not None and wanted > fitting):
        message = _does_not_fit(config, open_files, wanted or 1, fitting)
        raise ConfigError([Problem("", None, "balancer.max_connections", message)])
    return min(fitting, _DEFAULT_AT_MOST) if wanted is None else wanted


def _reserve(config: Config) -> int:
    sockets = sum(len(listener.bind) for listener in config.listeners.values())
    # A health check may be under way at every backend.
    checks = sum(len(pool.backends) for pool in config.pools.values())
    return _OWN_FILES + sockets + checks + _PIPE_ENDS


def _does_not_fit(config: Config, open_files: int, wanted: int, fitting: int) -> str:
    needed = _reserve(config) + wanted * _FILES_PER_CONNECTION
    fits = f"at most {fitting} would fit" if fitting else "not even one fits"
    return (
        f"{wanted} connections need {needed} open files, but the limit is {open_files}: "
        f"{fits}; raise the limit of open files (ulimit -n)"
    )
