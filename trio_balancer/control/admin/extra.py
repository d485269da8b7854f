"""The way in: without the extra `admin`, `[admin]` is a mistake in the configuration."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import ConfigError, Problem

if TYPE_CHECKING:
    from trio_balancer.config.model import Config
    from trio_balancer.control.admin.server import AdminServer
    from trio_balancer.control.operations import Operations

_PACKAGES = ("hypercorn", "starlette", "prometheus_client")
_COMMAND = "pip install 'trio-balancer[admin]'"


@attrs.frozen
class NoServer:
    """Stands where the admin server would, without `[admin]`."""

    addresses = ()

    async def run(self, operations: Operations) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def check_extra(config: Config) -> None:
    """Raise ConfigError when the configuration asks for a server that is not installed."""
    if config.admin is None:
        return
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        names = ", ".join(missing)
        message = f"needs packages that are not installed ({names}); install them: {_COMMAND}"
        raise ConfigError([Problem("", None, "admin", message)])


async def open_admin(config: Config) -> AdminServer | NoServer:
    """Bind the addresses of `[admin]`, if there are to be any.

    Raises ConfigError when the extra is not installed, BindError when an address cannot be bound.
    """
    check_extra(config)
    if config.admin is None:
        return NoServer()
    from trio_balancer.control.admin.server import bind_admin  # noqa: PLC0415 - the extra is there

    return await bind_admin(config.admin)
